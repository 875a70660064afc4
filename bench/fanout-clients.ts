/** Clients in a process of their own, forked by `fanout.ts`: they count the trades that they are sent, and read nothing else of them. */

import WebSocket from "ws";
import { z } from "zod";

/** As many are let in at once. */
const AT_ONCE = 50;
/** Stands once in every trade, and in nothing else that they are sent. */
const TRADE = '"side":"';

/** The addresses of the clients; `subscribe` is what each sends when it is let in. */
export const clientsOrder = z.array(z.object({ url: z.string(), subscribe: z.string().nullable() }));
export type ClientsOrder = z.infer<typeof clientsOrder>;
/** What is told now and then: how many are subscribed, and how many trades all of them together have been sent in how many frames. */
export const clientsCount = z.object({ ready: z.int(), trades: z.int(), frames: z.int() });
export type ClientsCount = z.infer<typeof clientsCount>;

const counted: ClientsCount = { ready: 0, trades: 0, frames: 0 };

process.on("disconnect", () => process.exit());
process.once("message", (message) => void openAll(clientsOrder.parse(message)));
setInterval(() => {
  if (process.connected) process.send?.(counted, undefined, {}, () => undefined);
}, 5);

async function openAll(order: ClientsOrder): Promise<void> {
  for (let i = 0; i < order.length; i += AT_ONCE) await Promise.all(order.slice(i, i + AT_ONCE).map(open));
}

function open({ url, subscribe }: ClientsOrder[number]): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    const begin = () => {
      counted.ready += 1;
      resolve();
    };
    socket.once("error", reject);
    socket.once("open", () => (subscribe === null ? begin() : socket.send(subscribe)));
    socket.once("close", (code) => {
      throw new Error(`a client was sent away: ${code}`);
    });
    socket.on("message", (data) => {
      const text = String(data);
      if (text.startsWith('{"op":"subscribed"')) begin();
      else if (text.startsWith('{"op":"probe"')) socket.send(text.replace("probe", "ack"));
      else count(text);
    });
  });
}

function count(text: string): void {
  counted.frames += 1;
  // A snapshot is no trade of its own.
  for (let at = text.indexOf(TRADE); at >= 0; at = text.indexOf(TRADE, at + 1)) counted.trades += 1;
}
