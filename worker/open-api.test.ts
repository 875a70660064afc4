import { expect, it } from "vitest";
import { get } from "./testing/requests.ts";

interface Operation {
  readonly parameters?: readonly { in: string; name: string; required?: boolean }[];
  readonly responses: Record<string, { readonly description: string }>;
  readonly security?: readonly Record<string, readonly string[]>[];
}

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly securitySchemes: object };
}

it("describes every route in valid OpenAPI 3.1", async () => {
  const api: OpenApi = await (await get("/openapi.json")).json();
  expect(api.openapi).toBe("3.1.0");
  expect(api.paths["/v1/trades/{exchange}/{symbol}"]?.["get"]?.parameters).toContainEqual({
    in: "query",
    name: "limit",
    required: false,
    schema: { type: "integer", minimum: 1, maximum: 1000, default: 100, example: 100 },
  });
  expect(
    Object.entries(api.paths)
      .map(([path, methods]) => `${Object.keys(methods).sort()} ${path}`)
      .sort(),
  ).toEqual([
    "delete /v1/registrations/{exchange}/{symbol}",
    "get /v1/exchanges",
    "get /v1/health",
    "get /v1/info",
    "get /v1/markets",
    "get /v1/sse",
    "get /v1/tickers",
    "get /v1/tickers/{exchange}/{symbol}",
    "get /v1/trades/{exchange}/{symbol}",
    "get,post /v1/registrations",
    "post /v1/admin/drain",
  ]);
  for (const [path, methods] of Object.entries(api.paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const operation of Object.values(methods)) {
      const described = (operation.parameters ?? []).filter((one) => one.in === "path");
      expect(described.map(({ name, required }) => [name, required])).toEqual(named.map((name) => [name, true]));
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^20[024]$/), "default"]),
      );
      for (const { description } of Object.values(operation.responses)) expect(description).toBeTypeOf("string");
      for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
        expect(api.components.securitySchemes).toHaveProperty(scheme);
      }
    }
  }
  expect(JSON.stringify(api)).not.toContain('"nullable"');
});
