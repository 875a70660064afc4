import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseFrame } from "../exchanges/upbit/parse.ts";
import { normalizeLine } from "./normalize.ts";

const COMMAND = fileURLToPath(new URL("../normalize.ts", import.meta.url));
const frame = (price: string, id = "17853950411240001") =>
  `{"ty":"trade","cd":"KRW-LAMB","ttms":1618678262000,"tp":${price},"tv":46.50,"ab":"BID","sid":${id},"st":"REALTIME"}`;
const line = (recv: string, content: string) => `{"recv": ${recv}, "kind": "x", "frame": ${JSON.stringify(content)}}`;
const EVENT =
  '{"type":"trade","instrument":"upbit:LAMB-KRW","id":"17853950411240001","price":"127","size":"46.5","side":"buy",' +
  '"time":1618678262000,"received":1618678263010,"snapshot":false}';

describe("a recorded line", () => {
  it.each([
    ["1618678263.010785", 1618678263010],
    ["1618678263.0109999999", 1618678263010],
    ["1618678263", 1618678263000],
    ["1.618678263e9", 1618678263000],
    ["null", null],
  ])("received at %s", (recv, received) => {
    expect(normalizeLine(line(recv, frame("127.0")), parseFrame)).toMatchObject({ events: [{ received }] });
  });

  it.each([
    ["{", /^the line is not JSON: /],
    ["[]", /expected object/],
    ['{"recv":1}', /^frame: the frame's text$/],
    [line("-1", frame("1")), /^recv: seconds since 1970, or null$/],
    [line('"noon"', frame("1")), /^recv: /],
    [line("1618678263010", frame("1")), /^recv: seconds since 1970, and these look like milliseconds$/],
    [line("1.6e15", frame("1")), /^recv: .* milliseconds$/],
    [line("1", frame('"?"')), /^tp \(trade_price\): not a number/],
    [line("1", "PONG"), /^not JSON: /],
  ])("is bad: %s", (text, reason) => {
    expect(normalizeLine(text, parseFrame).bad).toMatch(reason);
  });

  it("may be blank, or hold nothing of ours", () => {
    expect(normalizeLine(" \r", parseFrame)).toEqual({ events: [] });
    expect(normalizeLine(line("1", '{"status":"UP"}'), parseFrame)).toEqual({ events: [] });
    expect(normalizeLine(line("1", '{"error":{"name":"NO_TICKET"}}'), parseFrame)).toEqual({
      events: [],
      note: "the exchange refused: NO_TICKET: ",
    });
  });

  it("keeps what is sound of a list", () => {
    const { events, bad } = normalizeLine(
      line("1", `[${frame("1")},${frame("x2")}]`.replace("x2", '"x2"')),
      parseFrame,
    );
    expect(events).toHaveLength(1);
    expect(bad).toMatch(/^\[1\] tp/);
  });
});

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function normalize(args: readonly string[], input: string): Promise<Outcome> {
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: "pipe" });
  // A usage error ends the child before it has read its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { status, out, err };
}

describe("npm run normalize", () => {
  it("prints an event a line", async () => {
    const input = `\n${line("1618678263.010785", frame("127.0"))}\r\n\n${line("null", '{"status":"UP"}')}`;
    expect(await normalize(["upbit"], input)).toEqual({ status: 0, out: `${EVENT}\n`, err: "" });
  });

  it("leaves out a byte order mark before the first line, and says so", async () => {
    const { status, out, err } = await normalize(["upbit"], `\uFEFF${line("1618678263.010785", frame("127.0"))}\n`);
    expect({ status, out }).toEqual({ status: 0, out: `${EVENT}\n` });
    expect(err).toBe("line 1: a byte order mark was left out\n");
  });

  it("reports bad lines by number and goes on", async () => {
    const good = line("1618678263.010785", frame("127.0"));
    const { status, out, err } = await normalize(["upbit"], `\n{"recv"\n${good}\n${line("1", frame("{}"))}\n${good}\n`);
    expect(status).toBe(1);
    expect(out).toBe(`${EVENT}\n${EVENT}\n`);
    const reports = err.trimEnd().split("\n");
    expect(reports).toHaveLength(2);
    expect(reports[0]).toMatch(/^line 2: the line is not JSON: /);
    expect(reports[1]).toMatch(/^line 4: tp \(trade_price\): /);
  });

  it.each([
    [["mtgox"], 'there is no exchange "mtgox": use upbit'],
    [[], "missing required argument 'exchange'"],
    [["upbit", "--markets", "/nowhere/markets.json"], "/nowhere/markets.json: ENOENT"],
  ])("refuses %j", async (args, reason) => {
    const { status, out, err } = await normalize(args, "");
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toContain(reason);
  });

  it("reads the exchange's own market list", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tickcast-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "markets.json");
    await writeFile(file, '\uFEFF[{"market":"KRW-LAMB","korean_name":"램브","english_name":"Lambda"}]');
    const { status, out } = await normalize(["upbit", "--markets", file], line("1618678263.010785", frame("127.0")));
    expect({ status, out }).toEqual({ status: 0, out: `${EVENT}\n` });
  });

  it("ends when its reader does, though more could come", async () => {
    const child = spawn(process.execPath, [COMMAND, "upbit"], { stdio: "pipe" });
    child.stdin.on("error", () => undefined);
    const ended = once(child, "close");
    const good = `${line("1618678263.010785", frame("127.0"))}\n`;
    child.stdin.write(good);
    await once(child.stdout, "data");
    child.stdout.destroy();
    child.stdin.write(good.repeat(100));
    const [err, [status]] = await Promise.all([text(child.stderr), ended]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
  });
});
