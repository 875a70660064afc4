/** The words that stand for a choice in frames and events. Without schemas, because a browser needs them too. */

export const SIDES = ["buy", "sell"] as const;
export const SOURCES = ["live", "simulated", "replay"] as const;
/** What open, high, low and change of a ticker cover. */
export const WINDOWS = ["24h", "utc-day", "kst-day"] as const;
export const MARKET_STATUSES = ["active", "preview", "suspended", "delisting"] as const;
export const FEED_STATES = ["live", "stale", "down"] as const;
/** Why a stream could not be resumed. */
export const NOT_RECOVERED = ["epoch_changed", "too_old"] as const;

/** Why trades may be missing. */
export const GAP_CAUSES = [
  "exchange_disconnect",
  "collector_restart",
  /** A frame that might have been a trade could not be read. */
  "unreadable_frame",
  /** The exchange's own ids, or the volumes of its tickers, show that it has left some out. */
  "missed_trades",
  /** The operator had the instrument left out. */
  "not_collected",
  "epoch_changed",
  "log_expired",
] as const;
/** `open` while they are being fetched, then `healed` (all have come as late trades) or `lost`. */
export const GAP_STATES = ["open", "healed", "lost"] as const;
