/** The taker's side: ASK sold, BID bought. */
export type Side = "ASK" | "BID";

/** One fill before it has an identity; prices and volumes scaled by 10^8. */
export interface Fill {
  readonly price: bigint;
  readonly volume: bigint;
  readonly side: Side;
  readonly bestAskPrice: bigint;
  readonly bestAskSize: bigint;
  readonly bestBidPrice: bigint;
  readonly bestBidSize: bigint;
}
