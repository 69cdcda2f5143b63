-- When each kind of problem was last said, so that it is said once an hour.
CREATE TABLE alerts (
  kind TEXT PRIMARY KEY,
  said_at INTEGER NOT NULL
) WITHOUT ROWID;
