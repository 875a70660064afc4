import { expect, it } from "vitest";
import { get } from "../testing/requests.ts";

it("has a page for people", async () => {
  const page = await get("/docs");
  expect(page.headers.get("Content-Type")).toContain("text/html");
  const policy = page.headers.get("Content-Security-Policy") ?? "";
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  const files = [...(await page.text()).matchAll(/(?:src|href)="([^"]*)"/g)].map(([, file = ""]) => file);
  expect(files).toContain("/docs/start.js");
  for (const file of files) {
    expect(file).toMatch(/^\/docs\//);
    const response = await get(file);
    expect([response.status, response.headers.get("X-Content-Type-Options")]).toEqual([200, "nosniff"]);
    expect(response.headers.get("Content-Type")).toMatch(/^(text\/javascript|text\/css|image\/png)/);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(50);
  }
  expect(await (await get("/docs/start.js")).text()).toContain("/openapi.json");
});

it("sends a file of the page only to who does not have it", async () => {
  const etag = (await get("/docs/swagger-ui.css")).headers.get("ETag") ?? "";
  expect((await get("/docs/swagger-ui.css", { "If-None-Match": etag })).status).toBe(304);
});
