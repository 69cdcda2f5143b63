-- Events by hour of reception, provider and reason, so that a month is counted without reading its events. Written by
-- cron: one hour, one day and three days after.
CREATE TABLE hours (
  hour INTEGER NOT NULL,                -- its beginning
  provider TEXT NOT NULL,
  reason TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (hour, provider, reason)
) WITHOUT ROWID;
