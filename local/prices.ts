import { once } from "node:events";
import { WebSocket } from "ws";
import { dialects } from "../simulator/dialects.ts";
import { messageOf } from "./found.ts";
import { type CollectedExchange, type Settings, StartError } from "./settings.ts";
import type { StackOptions } from "./stack-options.ts";

/** Whoever starts the stack waits for it, so not for long. */
const TIMEOUT_MS = 3_000;
/** Exchanges that there is a simulator of. */
const SIMULATED = dialects.map(({ name }) => name);

/** Where prices come from, and why: the choice as the stack takes it. */
export interface Prices extends Required<Pick<StackOptions, "source" | "simulator" | "simulators">> {
  reason: string;
}

/**
 * Chooses between the real exchanges and the simulator.
 *
 * @throws {StartError} when simulated prices are asked for of an exchange that there is no simulator of
 */
export async function choosePrices({ source, exchanges }: Pick<Settings, "source" | "exchanges">): Promise<Prices> {
  if (source === "sim") return simulated(exchanges, "SOURCE=sim");
  if (source === "live") return live("SOURCE=live");
  if (exchanges.every(isGiven)) return live(`from ${exchanges.map(({ wsUrl }) => wsUrl).join(", ")}, as given`);
  try {
    await Promise.all(exchanges.filter((one) => !isGiven(one)).map(reach));
    return live("the exchanges answer");
  } catch (error) {
    return simulated(exchanges, messageOf(error));
  }
}

function live(reason: string): Prices {
  return { source: "live", simulator: false, simulators: {}, reason };
}

/** Addresses that were given stay: what answers there is then labelled simulated, and a simulator has nothing to add. */
function simulated(exchanges: readonly CollectedExchange[], reason: string): Prices {
  const elsewhere = exchanges.filter(({ given }) => given.ws && given.rest);
  const own = exchanges.filter((one) => !elsewhere.includes(one));
  const unknown = own.find(({ exchange }) => !SIMULATED.includes(exchange.name));
  if (unknown) {
    const { name } = unknown.exchange;
    throw new StartError(`${reason}, and there is no simulator of ${name}: set EXCHANGES=${SIMULATED.join(",")}`);
  }
  const simulators = Object.fromEntries(elsewhere.map(({ exchange }) => [exchange.name, false as const]));
  return { source: "simulated", simulator: own.length > 0 && {}, simulators, reason };
}

function isGiven({ given }: CollectedExchange): boolean {
  return given.ws || given.rest;
}

/** Asks an exchange for its markets and opens its WebSocket. @throws Error when one of both is not to be had in time */
async function reach({ exchange, restUrl, wsUrl }: CollectedExchange): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    await Promise.all([exchange.markets(restUrl, signal), open(wsUrl, signal)]);
  } catch {
    throw new Error(`${exchange.name} can't be reached from here`);
  }
}

async function open(url: string, signal: AbortSignal): Promise<void> {
  const socket = new WebSocket(url, { handshakeTimeout: TIMEOUT_MS });
  try {
    await once(socket, "open", { signal });
  } finally {
    socket.on("error", () => undefined); // of ending it half-way
    socket.terminate();
  }
}
