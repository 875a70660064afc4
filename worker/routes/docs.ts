/**
 * `/docs`: the OpenAPI document as a page. It stands on the origin of the operator's routes, where a token may be typed
 * into it, so nothing of it comes from elsewhere: Swagger UI is an asset of the deployment, and the policy lets in no more.
 */

import { html } from "hono/html";
import { secureHeaders } from "hono/secure-headers";
import { ProtocolError } from "../../protocol/errors.ts";
import { openApi, takesNoQuery } from "../open-api.ts";

/** What the page needs of the package; the rest of it is served to nobody. */
const ASSETS = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

const PAGE = html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Tickcast API</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <script defer src="/docs/swagger-ui-bundle.js"></script>
    <script defer src="/docs/start.js"></script>
  </head>
  <body>
    <div id="swagger-ui"></div>
  </body>
</html>
`;
/** A file of its own, since the policy lets no inline script run. Left to itself the page asks a validator of swagger.io. */
const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null });\n`;

const NO_STORE = { "Cache-Control": "no-store" };

export const docsRoutes = openApi();

docsRoutes.use(
  "/docs/*",
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: "DENY",
    // Whether a domain speaks HTTPS alone is its owner's to say.
    strictTransportSecurity: false,
  }),
);

docsRoutes.get("/docs", takesNoQuery, (c) => c.html(PAGE, 200, NO_STORE));

docsRoutes.get("/docs/start.js", takesNoQuery, (c) =>
  c.body(START, 200, { "Content-Type": "text/javascript; charset=utf-8", ...NO_STORE }),
);

docsRoutes.get("/docs/:asset", takesNoQuery, async (c) => {
  const name = c.req.param("asset");
  if (!ASSETS.includes(name)) throw new ProtocolError("not_found", `there is nothing at ${c.req.path}: see /docs`);
  // With its headers, so that a browser that has the file already is told so.
  const found = await c.env.ASSETS.fetch(new Request(`https://assets/${name}`, { headers: c.req.raw.headers }));
  return new Response(found.body, found);
});
