-- Events by hour of reception, provider and reason, so that a month is counted without reading its events. Written by
-- cron: one hour, one day and three days after.
CREATE TABLE hours (
  hour INTEGER NOT NULL,                -- its beginning
  provider TEXT NOT NULL,
  reason TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (hour, provider, reason)
) WITHOUT ROWID;

-- Events that ended in a way that only the operator can mend. A lead that goes well is not in it.
CREATE INDEX events_broken ON events (received_at)
  WHERE reason IN ('no_event_type', 'refused_by_dub', 'retries_exhausted', 'delivery_crashed', 'lead_unreadable');
