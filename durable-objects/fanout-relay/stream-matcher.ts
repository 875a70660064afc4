/** Under which of the names that anyone listens to a stream is wanted: worked out once for each stream, and remembered. */

import { patternsOf } from "../../protocol/pattern.ts";
import { parseStream } from "../../protocol/stream.ts";

interface Known {
  readonly all: readonly string[];
  wanted: readonly string[];
  version: number;
}

export class StreamMatcher {
  readonly #known = new Map<string, Known>();
  readonly #isWanted: (name: string) => boolean;
  readonly #version: () => number;

  /** @param version counts the changes of what is wanted */
  constructor(isWanted: (name: string) => boolean, version: () => number) {
    this.#isWanted = isWanted;
    this.#version = version;
  }

  /** Its own name, and those of the wildcards that stand for it, as far as anyone listens to them. @param stream canonical */
  names(stream: string): readonly string[] {
    let known = this.#known.get(stream);
    const version = this.#version();
    if (known === undefined) {
      known = { all: patternsOf(parseStream(stream)), wanted: [], version: -1 };
      this.#known.set(stream, known);
    }
    if (known.version !== version) {
      known.wanted = known.all.filter(this.#isWanted);
      known.version = version;
    }
    return known.wanted;
  }

  /** Forgets instruments that are no longer collected. */
  forget(instruments: ReadonlySet<string>): void {
    for (const stream of this.#known.keys()) {
      if (instruments.has(stream.slice(0, stream.indexOf("@")))) this.#known.delete(stream);
    }
  }
}
