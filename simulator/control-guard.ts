import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/**
 * Why a request may not steer the simulator; undefined when it may. Every page that a browser on this machine has open can
 * reach it: one of another origin says so by `Origin`, and one whose own name was made to point here (DNS rebinding) by
 * `Host`, since that needs a name, and ours are `localhost`, addresses and the one that the simulator was told to have.
 *
 * @param ownHost the name or address that it listens on
 */
export function whyRefused({ headers }: IncomingMessage, ownHost: string): string | undefined {
  const { host = "", origin } = headers;
  const name = URL.parse(`http://${host}`)?.hostname ?? "";
  if (!isLocalName(name) && name !== ownHost) return `"${host}" is not what this simulator is called: use ${ownHost}`;
  if (origin === undefined || origin === `http://${host}`) return undefined;
  return `pages of ${origin} may not steer this simulator`;
}

function isLocalName(name: string): boolean {
  return name === "localhost" || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0;
}
