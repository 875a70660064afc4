/**
 * The lines of a stream of text. Not `node:readline`, which also breaks at U+2028: inside JSON that is a letter like any other.
 *
 * @param chunks decoded text, e.g. a stream after `setEncoding("utf8")`
 */
export async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let open: string[] = [];
  for await (const chunk of chunks) {
    const [first = "", ...more] = chunk.split("\n");
    open.push(first);
    const last = more.pop();
    if (last === undefined) continue;
    yield open.join("");
    yield* more;
    open = [last];
  }
  yield open.join("");
}
