-- Leads of one click and one e-mail address, but of two customers, are named.
ALTER TABLE events ADD COLUMN person TEXT;           -- hash of (click id, e-mail address, event name); null: not all are known
CREATE INDEX events_person ON events (person) WHERE person IS NOT NULL;
