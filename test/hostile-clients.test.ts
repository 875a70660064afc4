/** Clients that do not read, are not there, or send what is too long. For longer: `npm run bench -- slow-readers`, `vanishing`. */

import { once } from "node:events";
import { connect } from "node:net";
import { constants, deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import WebSocket from "ws";
import { type Edge, startEdge } from "../bench/edge.ts";
import { runSlowReaders, upgradeRequest } from "../bench/slow-readers.ts";
import { runVanishing } from "../bench/vanishing.ts";

const bundle = inject("workerBundle");

test("readers that never read are closed, and the healthy one beside them gets everything", async () => {
  const { memory, descriptors, received, sent, closed } = await runSlowReaders({
    seconds: 12,
    readers: 20,
    rate: 1000,
    bundle,
  });
  expect([received, closed]).toEqual([sent, 20]);
  expect(descriptors.after).toBeLessThanOrEqual(descriptors.before);
  // The runtime's own heap beside 20 times the bound and what a socket costs.
  expect(memory.peak - memory.before).toBeLessThan(400);
});

test("nothing is left of clients that vanish before their upgrade is answered", async () => {
  const { before, rounds } = await runVanishing({ clients: 300, seconds: 10, bundle });
  for (const { peak, after } of rounds) {
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
    expect(peak.memory - before.memory).toBeLessThan(400);
  }
});

describe("a socket", () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge(["BTC"], bundle);
  });
  afterAll(() => edge?.stop());

  test("is closed by a message that is too long", async () => {
    const socket = new WebSocket(`${edge.url}/v1/stream/upbit/BTC-KRW`, { perMessageDeflate: false });
    await once(socket, "open");
    socket.send("x".repeat(1_000_000));
    const [code] = await once(socket, "close");
    expect(code).toBe(4200);
  });

  test("agrees to no compression, and is ended by what comes compressed all the same", async () => {
    const socket = connect(edge.port, "127.0.0.1");
    socket.write(upgradeRequest("/v1/stream/upbit/BTC-KRW", "permessage-deflate; client_max_window_bits"));
    const [head] = await once(socket, "data");
    expect(String(head)).toMatch(/^HTTP\/1.1 101 /);
    expect(String(head)).not.toMatch(/Sec-WebSocket-Extensions/i);
    const bomb = deflateRawSync(Buffer.alloc(10_000_000, 97), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    // FIN, RSV1 (compressed), text; masked with zeros.
    socket
      .resume()
      .write(Buffer.concat([Buffer.from([0xc1, 0xfe, bomb.length >> 8, bomb.length & 255, 0, 0, 0, 0]), bomb]));
    await once(socket, "close");
  });

  test("that is closed without a code is answered without one", async () => {
    const socket = new WebSocket(`${edge.url}/v1/stream/upbit/BTC-KRW`, { perMessageDeflate: false });
    await once(socket, "open");
    socket.close();
    const [code] = await once(socket, "close");
    expect(code).toBe(1005);
  });
});
