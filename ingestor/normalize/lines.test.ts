import fc from "fast-check";
import { expect, it } from "vitest";
import { lines } from "./lines.ts";

async function* chunksOf(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

it("splits at newlines alone, wherever the chunks end", async () => {
  const letter = fc.constantFrom("a", "\n", "\r", "\u2028", "");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(letter).map((letters) => letters.join(""))), async (chunks) => {
      const split: string[] = [];
      for await (const line of lines(chunksOf(chunks))) split.push(line);
      expect(split).toEqual(chunks.join("").split("\n"));
    }),
  );
});
