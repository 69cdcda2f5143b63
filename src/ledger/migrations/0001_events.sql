-- One row for each event that a mapping names; `id` is a hash of (provider, event_id).
CREATE TABLE events (
  id TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  event_id TEXT,                        -- as the provider names it; null once retention has blanked the row
  type TEXT,                            -- as the provider names it
  status TEXT NOT NULL,                 -- pending, delivered, duplicate, skipped, rejected, failed
  reason TEXT NOT NULL,                 -- src/states.ts
  detail TEXT,                          -- what Dub or the mapping said
  warnings TEXT,                        -- JSON: repairs made to the lead
  lead TEXT,                            -- JSON: the lead body
  lead_key TEXT,                        -- hash of (customer, event name as Dub compares it); null: once for each event
  payload TEXT,                         -- JSON: the event
  received_at INTEGER NOT NULL,         -- this and all times: milliseconds since 1970
  next_attempt_at INTEGER,              -- pending: not before
  queued_until INTEGER NOT NULL DEFAULT 0, -- a queue message may be on its way until then
  lease_until INTEGER NOT NULL DEFAULT 0,  -- a consumer works on it until then
  retries INTEGER NOT NULL DEFAULT 0,   -- steps of the retry schedule used
  claims INTEGER NOT NULL DEFAULT 0,    -- deliveries begun and not settled
  doubt TEXT,                           -- failed, unknown: what an earlier recording call may have done
  doubt_since INTEGER,
  link TEXT,                            -- JSON: the credited link
  delivered_at INTEGER,
  delivered_by TEXT,                    -- register-then-record, single
  certain INTEGER                       -- 1: Dub's answer named the link; 0: see the reason
);
CREATE INDEX events_due ON events (next_attempt_at) WHERE status = 'pending';
CREATE INDEX events_lead_key ON events (lead_key) WHERE lead_key IS NOT NULL;
CREATE INDEX events_retained ON events (received_at) WHERE event_id IS NOT NULL;

-- One row for each delivery attempt.
CREATE TABLE attempts (
  event TEXT NOT NULL,
  at INTEGER NOT NULL,
  phase TEXT NOT NULL,                  -- register, record: how far it came
  http_status INTEGER,                  -- null: no answer
  reason TEXT NOT NULL,
  message TEXT,
  milliseconds INTEGER NOT NULL
);
CREATE INDEX attempts_event ON attempts (event, at);

-- Webhooks refused: a counter for each provider and reason, no payload.
CREATE TABLE refusals (
  provider TEXT NOT NULL,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  PRIMARY KEY (provider, reason)
) WITHOUT ROWID;

-- One row while Dub has told us to wait.
CREATE TABLE pauses (
  name TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) WITHOUT ROWID;
