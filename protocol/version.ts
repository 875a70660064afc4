/** The version that `/v1/info` and OpenAPI name: that of package.json. */
import packageJson from "../package.json" with { type: "json" };

export const VERSION: string = packageJson.version;
