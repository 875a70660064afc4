/** What a client's token is, PROTOCOL.md §7: a JWT signed by HS256, with this `aud` and an `exp`. */
export const CLIENT_TOKEN = {
  audience: "tickcast",
  /** The query parameter of clients that can send no `Authorization`: sockets and event streams of browsers. */
  parameter: "token",
} as const;
