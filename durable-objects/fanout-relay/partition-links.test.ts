import { afterEach, expect, it, vi } from "vitest";
import { ProtocolError } from "../../protocol/errors.ts";
import { PartitionLinks } from "./partition-links.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Links to one feed that can be cut; `dials` are the far ends. */
function newLinks(refusals = 0) {
  const dials: WebSocket[] = [];
  /** Which of them have been closed. */
  const closed: number[] = [];
  const heard: string[] = [];
  let left = refusals;
  const links = new PartitionLinks(
    (partition) => {
      if (left-- > 0) return Promise.reject(new Error(`${partition} is away`));
      const { 0: near, 1: far } = new WebSocketPair();
      far.addEventListener("close", () => {
        closed.push(dials.indexOf(far));
      });
      far.accept();
      dials.push(far);
      return Promise.resolve(near);
    },
    {
      opened: (partition) => heard.push(`opened ${partition}`),
      message: (_partition, text) => {
        if (text === "nonsense") throw new ProtocolError("bad_request", "not a frame");
        heard.push(text);
      },
      lost: (partition) => heard.push(`lost ${partition}`),
    },
  );
  const becomes = (...expected: string[]) => vi.waitFor(() => expect(heard).toEqual(expected));
  return { links, dials, closed, becomes };
}

it("opens a link, passes on what comes, and opens it again when it is lost", async () => {
  const { links, dials, becomes } = newLinks(2);
  links.open("upbit/0");
  await becomes("opened upbit/0");
  dials[0]?.send("a");
  await becomes("opened upbit/0", "a");
  dials[0]?.close(4000);
  await becomes("opened upbit/0", "a", "lost upbit/0", "opened upbit/0");
  dials[1]?.send("b");
  await becomes("opened upbit/0", "a", "lost upbit/0", "opened upbit/0", "b");
  expect(links.size).toBe(1);
});

it("opens a link anew over which something came that is no frame, and hears nothing more of the old one", async () => {
  const complained = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { links, dials, becomes } = newLinks();
  links.open("upbit/1");
  await becomes("opened upbit/1");
  dials[0]?.send("nonsense");
  dials[0]?.send("late");
  await becomes("opened upbit/1", "lost upbit/1", "opened upbit/1");
  expect(complained).toHaveBeenCalledWith("upbit/1 sent what is no frame:", expect.any(ProtocolError));
});

it("closes a link that is not wanted any more, one that is being opened too", async () => {
  const { links, dials, closed, becomes } = newLinks();
  links.open("upbit/2");
  links.close("upbit/2");
  await vi.waitFor(() => expect(closed).toEqual([0]));
  await becomes();
  links.open("upbit/2");
  await becomes("opened upbit/2");
  links.close("upbit/2");
  await vi.waitFor(() => expect(closed).toEqual([0, 1]));
  await becomes("opened upbit/2");
  expect([links.size, dials.length]).toEqual([0, 2]);
});
