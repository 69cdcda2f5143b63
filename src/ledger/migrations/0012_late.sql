-- Rows are numbered as they are inserted, nearly in order of `received_at`. Those that are not, by more than a day, are
-- marked: a replay split their webhook, or the queue kept them while the ledger failed. Few are, so the index costs nothing else.
ALTER TABLE events ADD COLUMN late INTEGER;          -- 1: when it was inserted, there was an event that came more than a day after it
UPDATE events SET late = 1 WHERE rowid IN (
  SELECT n FROM (SELECT rowid AS n, received_at AS at, max(received_at) OVER (ORDER BY rowid) AS newest FROM events)
  WHERE at < newest - 86400000);
CREATE INDEX events_late ON events (late) WHERE late = 1;
