-- When and with what it was taken, as the picture itself says (EXIF).
ALTER TABLE picture ADD COLUMN taken_at TEXT;   -- the camera's local time, YYYY-MM-DD HH:MM:SS
ALTER TABLE picture ADD COLUMN camera TEXT;     -- maker and model

-- The pictures with one name here stay in one subset: all that ties lead from one to another.
ALTER TABLE picture ADD COLUMN unit TEXT;

-- What was found to belong together by the last split, and why.
CREATE TABLE tie (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,                  -- group, page, host, name, camera, duplicates
  why TEXT NOT NULL
) STRICT;
CREATE TABLE tied (
  tie INTEGER NOT NULL REFERENCES tie ON DELETE CASCADE,
  picture INTEGER NOT NULL REFERENCES picture ON DELETE CASCADE,
  PRIMARY KEY (tie, picture)
) STRICT, WITHOUT ROWID;

-- A split by its name: main, fold-1, without-example.org.
CREATE TABLE split (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  how TEXT NOT NULL,                   -- in words
  made_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
CREATE TABLE member (
  split INTEGER NOT NULL REFERENCES split ON DELETE CASCADE,
  picture INTEGER NOT NULL REFERENCES picture ON DELETE CASCADE,
  subset TEXT NOT NULL CHECK (subset IN ('train', 'validation', 'test')),
  PRIMARY KEY (split, picture)
) STRICT, WITHOUT ROWID;
