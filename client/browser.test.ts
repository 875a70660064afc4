import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Everything that a module imports at run time, and what that imports, as far as it is ours. */
function importsOf(file: URL, seen = new Map<string, string>()): Map<string, string> {
  const text = readFileSync(file, "utf8");
  seen.set(file.href, text);
  for (const [, name = ""] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)"/gm)) {
    const target = name.startsWith(".") ? new URL(name, file) : undefined;
    if (target === undefined) seen.set(name, "");
    else if (!seen.has(target.href)) importsOf(target, seen);
  }
  return seen;
}

test("the client needs nothing that a browser lacks, and no package", () => {
  const imports = importsOf(new URL("client.ts", import.meta.url));
  const packages = [...imports.keys()].filter((name) => !name.startsWith("file:"));
  expect(packages).toEqual([]);
  for (const [name, text] of imports) {
    const where = name.startsWith("file:") ? fileURLToPath(name) : name;
    expect(/\b(process|Buffer|setImmediate|__dirname)\b[.[(]/.exec(text), where).toBeNull();
  }
});
