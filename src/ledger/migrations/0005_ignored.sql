-- Events that no rule takes: a counter for each provider and type, no payload. At most 50 rows for each provider.
CREATE TABLE ignored (
  provider TEXT NOT NULL,
  type TEXT NOT NULL,                   -- as the provider names it; other: all for which no row is left
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (provider, type)
) WITHOUT ROWID;
