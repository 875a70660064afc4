/**
 * The log says who may write it: the rule by which every reader of `ticks.<exchange>` decides which records count.
 *
 * A partition begins with a marker that carries the log's incarnation and the collector's term. Whoever takes over or
 * restarts writes a marker of a higher term to every partition; after it, records of lower terms are void: they are what
 * an older collector still had in flight. The pusher, replay, verify and the tests all use {@link admit}, so they agree.
 */

/** The headers of every record. */
export interface RecordOrigin {
  /** A `status` record says, between events, that the collector is alive and how its exchange is doing. */
  readonly kind: "marker" | "event" | "status";
  readonly incarnation: string;
  /** Fencing token of the collector that wrote it, 1 or more. */
  readonly term: number;
}

/** Whose records count in a partition from some position on. `null` until the first marker. */
export interface Authority {
  readonly incarnation: string;
  readonly term: number;
}

export interface AdmissionResult {
  /** Whether the record is an event or a status that counts. Markers never are. */
  readonly counts: boolean;
  readonly authority: Authority | null;
}

/** How many markers open a new incarnation: a feed that changes epochs needs two positions before the first event. */
export const OPENING_MARKERS = 2;

/**
 * Judges the next record of a partition.
 *
 * A log read from its very beginning has no authority until its first marker: what stands before that was written by a
 * collector that did not know yet that its topic had been made anew, and is void. Where the beginning has expired, the
 * reader starts at `offset` > 0 without authority and takes the first record's own word. Should that record be one that
 * an expired marker made void, the first event of the higher term puts it right.
 *
 * @param readFrom where reading without authority began: the first offset that the log still has. Whoever resumes further
 *   on brings the authority stored with the position; one that stored none has counted nothing and reads from there again
 */
export function admit(
  authority: Authority | null,
  record: RecordOrigin,
  offset: number,
  readFrom: number,
): AdmissionResult {
  const { incarnation, term } = record;
  if (record.kind === "marker") {
    const obeys = authority === null || authority.incarnation !== incarnation || term >= authority.term;
    return { counts: false, authority: obeys ? { incarnation, term } : authority };
  }
  if (authority === null) {
    const beginningExpired = readFrom > 0 && offset >= readFrom;
    return beginningExpired ? { counts: true, authority: { incarnation, term } } : { counts: false, authority };
  }
  const counts = authority.incarnation === incarnation && term >= authority.term;
  return { counts, authority: counts && term > authority.term ? { incarnation, term } : authority };
}
