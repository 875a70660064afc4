/** Groups of an IPv6 address that name its network: whoever has one address has all of those in it, 2^64. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;
/** Characters; what is longer is no address, but a developer's joke. */
const LONGEST = 45;

/**
 * Whose request it is, for limits: an IPv4 address, or the network of an IPv6 one.
 *
 * @returns undefined where nobody says so. Cloudflare says it of every request from outside, and no client can say it there;
 * so it is missing only under `npm start` and the like, where all would share one limit, and any of them could lock out the rest
 */
export function addressOf(request: Request): string | undefined {
  const address = request.headers.get("CF-Connecting-IP")?.toLowerCase().slice(0, LONGEST);
  if (!address) return undefined;
  return address.includes(":") && !address.includes(".") ? networkOf(address) : address;
}

function networkOf(address: string): string {
  const [before = [], after = []] = address.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(Math.max(0, GROUPS - before.length - after.length)).fill("0");
  const groups = [...before, ...zeros, ...after].map((group) => group.replace(/^0+(?=.)/, ""));
  return `${groups.slice(0, NETWORK_GROUPS).join(":")}::/64`;
}
