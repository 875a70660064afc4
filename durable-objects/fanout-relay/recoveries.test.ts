import { describe, expect, it } from "vitest";
import { trade } from "../testing/test-events.ts";
import { CheckingClient } from "./testing/checking-client.ts";
import { Log } from "./testing/random-steps.ts";
import { RelayWorld } from "./testing/relay-world.ts";

const BTC = "upbit:BTC-KRW";

describe.each(["json", "sse"] as const)(
  "a client (%s) that is sent one stream again while another is live",
  (format) => {
    it.each([0, 1, 2, 3, 4])("is told no position before what was held for it: %i messages on", (messages) => {
      const world = new RelayWorld(1000);
      const log = new Log();
      const client = new CheckingClient(log.of);
      const connection = world.connect(client, new Map(), false, format);
      const feed = world.feeds.get("upbit/0");
      const publish = (instrument: string, count: number) => {
        const events = Array.from({ length: count }, () => (seq: number) => {
          const event = trade(seq, instrument);
          log.add(feed?.epoch ?? "", event);
          return event;
        });
        feed?.batch(events, 0, []);
      };
      world.subscribe(connection, [`${BTC}@trade@raw`]);
      world.arrive();
      publish("upbit:ETH-KRW", 6);
      world.drain();
      // It names the beginning: two pages of a replay.
      world.subscribe(connection, [{ stream: "upbit:ETH-KRW@trade@raw", epoch: "upbit/0-0", seq: 2 }]);
      world.pump("upbit/0", messages);
      publish(BTC, 1);
      world.drain();
      publish(BTC, 1);
      world.drain();
      world.settle();
      expect(client.missing()).toEqual([]);
      expect(client.count).toBe(8);
    });
  },
);
