-- Click memory: which click a customer came with, as the customer's own session or the site has told. No id, address or
-- token is kept in clear. Rows go after 90 days.
CREATE TABLE clicks (
  key TEXT NOT NULL,                    -- hash of the customer's id, or of the e-mail address
  click_id TEXT NOT NULL,
  proof TEXT NOT NULL,                  -- session, site: who told it first
  clicked_at INTEGER,                   -- when the site first saw it; null: not told
  told_at INTEGER NOT NULL,             -- when it was first told
  PRIMARY KEY (key, click_id)
) WITHOUT ROWID;
CREATE INDEX clicks_told_at ON clicks (told_at);

ALTER TABLE events ADD COLUMN waits_key TEXT;         -- the lead key it gets with a click; empty: a lead for each event; null: no click makes it a lead
ALTER TABLE events ADD COLUMN signed_up_at INTEGER;   -- by the provider's word; null: unknown, or never asked for
ALTER TABLE events ADD COLUMN click_by TEXT;          -- session, site, email: who told its click; null: the webhook
ALTER TABLE events ADD COLUMN click_told_at INTEGER;  -- when its click made it a lead
ALTER TABLE hours ADD COLUMN by_memory INTEGER NOT NULL DEFAULT 0; -- of its events, those with a click that was told
