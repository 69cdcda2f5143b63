-- Reconciliation: whether Dub has what was delivered, as its list of leads says.
ALTER TABLE events ADD COLUMN at_dub TEXT;           -- listed, link_deleted, customer_deleted, unclear; null: not learned yet
ALTER TABLE events ADD COLUMN at_dub_since INTEGER;  -- when that was learned
ALTER TABLE events ADD COLUMN dub_click TEXT;        -- the click that Dub credits, where it is not the lead's own
ALTER TABLE events ADD COLUMN clicked_at INTEGER;    -- when the click that Dub credits was made, if its webhook told
CREATE INDEX events_delivered ON events (delivered_at) WHERE delivered_at IS NOT NULL;

-- One row for each day of UTC that is compared with Dub's list. Each step is written once, whoever makes it.
CREATE TABLE days (
  day INTEGER PRIMARY KEY,                           -- its beginning
  pages INTEGER,                                     -- of Dub's list; null: Dub was not asked yet
  page INTEGER NOT NULL DEFAULT 0,                   -- pages read
  listed INTEGER NOT NULL DEFAULT 0,                 -- leads on them
  settled INTEGER NOT NULL DEFAULT 0,                -- events in doubt that became recorded by it
  elsewhere INTEGER NOT NULL DEFAULT 0,              -- events without a lead that another sender has recorded
  others TEXT NOT NULL DEFAULT '{}',                 -- JSON: leads of other senders by event name
  twice TEXT NOT NULL DEFAULT '{}',                  -- JSON: those of customers who have a lead of ours, too
  delivered INTEGER,                                 -- leads delivered; null: not compared yet
  present INTEGER NOT NULL DEFAULT 0,                -- of these: at Dub
  missing INTEGER NOT NULL DEFAULT 0,
  link_deleted INTEGER NOT NULL DEFAULT 0,
  customer_deleted INTEGER NOT NULL DEFAULT 0,
  unclear INTEGER NOT NULL DEFAULT 0,
  other_click INTEGER NOT NULL DEFAULT 0,
  done_at INTEGER
);
