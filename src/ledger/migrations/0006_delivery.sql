-- A lead without a click id waits for the customer's other leads.
ALTER TABLE events ADD COLUMN customer TEXT;         -- hash of customerExternalId; null: no lead to deliver
CREATE INDEX events_customer ON events (customer) WHERE customer IS NOT NULL;

-- Counted attempts since the event was kept or replayed. `retries` starts anew when the kind of error changes.
ALTER TABLE events ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;

-- Leads of which nobody knows whether Dub has them. `certain` of 0001 is not written any more: the reason says it.
CREATE INDEX events_unchecked ON events (reason) WHERE reason IN ('recorded_unconfirmed', 'possibly_lost');

-- A pause says why. `fingerprint`: of the settings that it is about; with others it is over. `count`: pauses in a row.
-- The row of an outage or of a wrong setting stays until Dub answers a lead again. `per_minute` is not used any more.
ALTER TABLE pauses ADD COLUMN reason TEXT;
ALTER TABLE pauses ADD COLUMN fingerprint TEXT;
ALTER TABLE pauses ADD COLUMN count INTEGER NOT NULL DEFAULT 0;

-- Times that isolates share, and a number with some of them. Names: src/ledger/marks.ts.
CREATE TABLE marks (
  name TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  value INTEGER
) WITHOUT ROWID;
INSERT INTO marks (name, at) VALUES ('cron', CAST(unixepoch('subsec') * 1000 AS INTEGER));

-- One row written for each attempt instead of two.
ALTER TABLE attempts RENAME TO attempts_0001;
CREATE TABLE attempts (
  event TEXT NOT NULL,
  at INTEGER NOT NULL,
  phase TEXT NOT NULL,                  -- register, record: how far it came
  http_status INTEGER,                  -- null: no answer
  reason TEXT NOT NULL,
  message TEXT,
  milliseconds INTEGER NOT NULL,
  PRIMARY KEY (event, at)
) WITHOUT ROWID;
INSERT OR REPLACE INTO attempts SELECT event, at, phase, http_status, reason, message, milliseconds FROM attempts_0001;
DROP TABLE attempts_0001;
