/**
 * Reads server-sent events as the HTML standard says (§9.2.6), and gives them back as the frames that a socket would have had,
 * so that whoever checks a socket's frames checks these. For tests.
 */

interface EventFrame {
  readonly op: string;
  readonly data?: readonly unknown[];
  readonly positions?: Readonly<Record<string, number>>;
}

export class EventReader {
  readonly #onFrame: (text: string) => void;
  #buffer = "";
  #event = "";
  #data: string[] = [];
  /** The id of the block that is being read, if it has one. */
  #id: string | undefined;
  /** What an EventSource would come back with. */
  lastEventId = "";
  /** ms; undefined until the server has said so. */
  retry: number | undefined;
  comments = 0;

  /** @param onFrame gets each frame as JSON: items as `data` frames, an id as their `positions` */
  constructor(onFrame: (text: string) => void) {
    this.#onFrame = onFrame;
  }

  /** @param chunk of the stream, wherever it was cut */
  take(chunk: string): void {
    const lines = (this.#buffer + chunk).split("\n");
    this.#buffer = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === "") this.#dispatch();
    else if (line.startsWith(":")) this.comments += 1;
    else {
      const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (field === "event") this.#event = value;
      else if (field === "data") this.#data.push(value);
      else if (field === "id") this.#id = value;
      else if (field === "retry") this.retry = Number(value);
      else throw new Error(`not a line of an event: ${line}`);
    }
  }

  #dispatch(): void {
    const [event, data, id] = [this.#event, this.#data.join("\n"), this.#id];
    this.#event = "";
    this.#data = [];
    this.#id = undefined;
    if (id !== undefined) this.lastEventId = id;
    const told = id === undefined ? {} : { positions: positionsOf(id) };
    if (data === "" && id === undefined) return;
    if (event === "control") this.#control(data, told);
    else if (data === "" || event === "data")
      this.#give({ op: "data", data: data === "" ? [] : [JSON.parse(data)], ...told });
    else throw new Error(`there is no event "${event}"`);
  }

  /** Its id stands beside it, as a frame of positions. */
  #control(data: string, told: Pick<EventFrame, "positions">): void {
    this.#onFrame(data);
    if (told.positions !== undefined) this.#give({ op: "data", data: [], ...told });
  }

  #give(frame: EventFrame): void {
    this.#onFrame(JSON.stringify(frame));
  }
}

/** What an id says, as a frame's `positions`. */
export function positionsOf(id: string): Record<string, number> {
  return Object.fromEntries(
    id.split(",").map((part) => [part.slice(0, part.lastIndexOf(":")), Number(part.slice(part.lastIndexOf(":") + 1))]),
  );
}
