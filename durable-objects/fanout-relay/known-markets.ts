/**
 * The registry as a relay knows it: asked before the first request and then now and then, so that no request has to wait, and
 * those of one client keep their order.
 */

import { parseInstrument } from "../../protocol/instrument.ts";
import { covers } from "../../protocol/pattern.ts";
import { Directory } from "../registry/directory.ts";
import type { RegistryView } from "../registry/registry.ts";
import type { Markets } from "./markets.ts";

export class KnownMarkets {
  readonly #ask: (known?: string) => Promise<RegistryView>;
  #directory: Directory | undefined;
  #markets: Markets | undefined;
  #layout = "";
  #asking: Promise<boolean> | undefined;

  /** @param ask the registry. @param known the version of its lists that was seen last */
  constructor(ask: (known?: string) => Promise<RegistryView>) {
    this.#ask = ask;
  }

  /** Whether the registry has answered before. */
  get known(): boolean {
    return this.#markets !== undefined;
  }

  /** @throws {TypeError} before anything is known */
  get current(): Markets {
    if (this.#markets === undefined) throw new TypeError("the registry has to be asked first");
    return this.#markets;
  }

  /**
   * Asks the registry; who comes while it is being asked waits for the same answer.
   *
   * @returns whether there are other exchanges or partitions than before
   */
  refresh(): Promise<boolean> {
    this.#asking ??= this.#refresh().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #refresh(): Promise<boolean> {
    const directory = Directory.of(await this.#ask(this.#directory?.version), this.#directory);
    this.#directory = directory;
    this.#markets = marketsOf(directory);
    const before = this.#layout;
    this.#layout = directory.exchanges.map((exchange) => `${exchange}/${directory.partitions(exchange)}`).join();
    return this.#layout !== before;
  }
}

function marketsOf(directory: Directory): Markets {
  return {
    exchanges: directory.exchanges,
    has: (instrument) => directory.has(instrument),
    count: (pattern) =>
      directory.find({}).filter(({ instrument }) => covers(pattern, parseInstrument(instrument))).length,
    partitionOf: (instrument) => {
      const { exchange } = parseInstrument(instrument);
      return `${exchange}/${directory.partitionOf({ exchange, instrument })}`;
    },
    partitionsOf: (exchange) => {
      const partitions = Array.from({ length: directory.partitions(exchange) }, (_, i) => `${exchange}/${i}`);
      return directory.exchanges.includes(exchange) ? partitions : [];
    },
  };
}
