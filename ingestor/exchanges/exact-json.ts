/** JSON whose numbers keep their digits: exchanges send ids beyond 2^53 and prices that a float would respell. */

/**
 * Whole strings first, so that digits inside them stay untouched; then numbers. An unterminated string is matched too,
 * and a number before a colon is not, because quoting either could turn malformed text into JSON.
 */
const STRING_OR_NUMBER = /("[^"\\]*(?:\\.[^"\\]*)*"?)|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\s*:)/gs;

/**
 * `JSON.parse` in which every number comes as a string with the digits and the spelling that were sent.
 *
 * @example parseExactJson('{"id":17853950411240001}') // { id: "17853950411240001" }
 * @throws {SyntaxError} when `text` is not JSON
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text.replace(STRING_OR_NUMBER, (match, string?: string) => string ?? `"${match}"`));
}
