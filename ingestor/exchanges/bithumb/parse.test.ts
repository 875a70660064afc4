import { expect, it } from "vitest";
import { FrameError } from "../exchange.ts";
import { parseFrame } from "./parse.ts";

it.each(["", "{", "null", "7", '"UP"', "[]", "[{}]", "{}", '{"error":{}}', '{"status":"UP"}x'])(
  "takes none of %s",
  (frame) => {
    expect(() => parseFrame(frame, null)).toThrow(FrameError);
  },
);
