ALTER TABLE events ADD COLUMN replayed_at INTEGER;   -- when it was last replayed
