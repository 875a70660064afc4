/** What a feed had stored in version 1, before anything said its version: rows as the code of then wrote them. */

/** It followed `e1` up to 3, then `e2`; both of its trade listeners had everything, and have left. */
const FEED =
  '{"epoch":"e2","seq":10,"floor":0,"start":0,"epochs":[["e1",3],["e2",10]],"lines":{"ticker@raw":9,"ticker@100ms":9,"trade@raw":10,"trade@100ms":10},"ticker":{"epoch":"e2","seq":9,"ticker":{"price":"1009","size":null,"side":null,"open":null,"high":null,"low":null,"prevClose":null,"change":null,"changePct":null,"window":"utc-day","baseVolume24h":null,"quoteVolume24h":null,"bid":null,"ask":null,"status":"active","time":1783655000009},"t":{"exchange":1783655000009,"received":1783655000009,"logged":1783655000009}},"status":{"state":"down","source":"live","since":1795653816231,"asOf":1783655000010,"detail":"the ingestor has left this feed"}}';

/** The gap of the new epoch, and trades 2, 7, 8 and 10 with a gap at 5. */
const TRADES =
  '[{"seq":1,"logged":1783655000002,"event":{"type":"gap","instrument":"upbit:OLD-KRW","received":null,"cause":"epoch_changed","since":1783655000002,"until":1783655000002,"state":"lost"}},{"seq":2,"logged":1783655000002,"event":{"type":"trade","instrument":"upbit:OLD-KRW","id":"t2","price":"1002","size":"0.5","side":"buy","time":1783655000002,"received":1783655000002,"snapshot":false}},{"seq":5,"logged":1783655000005,"event":{"type":"gap","instrument":"upbit:OLD-KRW","cause":"exchange_disconnect","since":1783655000000,"until":1783655000005,"state":"open","received":null}},{"seq":7,"logged":1783655000007,"event":{"type":"trade","instrument":"upbit:OLD-KRW","id":"t7","price":"1007","size":"0.5","side":"buy","time":1783655000007,"received":1783655000007,"snapshot":false}},{"seq":8,"logged":1783655000008,"event":{"type":"trade","instrument":"upbit:OLD-KRW","id":"t8","price":"1008","size":"0.5","side":"buy","time":1783655000008,"received":1783655000008,"snapshot":false}},{"seq":10,"logged":1783655000010,"event":{"type":"trade","instrument":"upbit:OLD-KRW","id":"t10","price":"1010","size":"0.5","side":"buy","time":1783655000010,"received":1783655000010,"snapshot":false}}]';

/** Puts them in the place of whatever the object has stored. */
export function storeV1(sql: SqlStorage): void {
  for (const table of ["feed", "trades", "version"]) sql.exec(`DROP TABLE IF EXISTS ${table}`);
  sql.exec("CREATE TABLE feed (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL)");
  sql.exec(
    "CREATE TABLE trades (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, logged INTEGER NOT NULL, count INTEGER NOT NULL, body TEXT NOT NULL)",
  );
  sql.exec("INSERT INTO feed (id, body) VALUES (1, ?)", FEED);
  sql.exec("INSERT INTO trades (first, last, logged, count, body) VALUES (1, 10, 1783655000010, 6, ?)", TRADES);
}
