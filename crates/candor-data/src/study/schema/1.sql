-- Values of the study itself.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;

-- A place that pictures were imported from.
CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  place TEXT NOT NULL UNIQUE,          -- absolute path, or an address
  kind TEXT NOT NULL,                  -- class-folders, index-csv, ...
  imported_at TEXT NOT NULL            -- the last time, UTC
) STRICT;

-- A picture: one row for the same bytes, wherever and however often they were found.
CREATE TABLE picture (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
  bytes INTEGER NOT NULL,
  width INTEGER NOT NULL,              -- pixels, as it is to be looked at
  height INTEGER NOT NULL,
  format TEXT NOT NULL,                -- JPEG, PNG, ...
  reference TEXT,                      -- the file, where it was imported by reference; else it is blobs/<sha256>
  class TEXT NOT NULL,
  subset TEXT CHECK (subset IN ('train', 'validation', 'test')),  -- as the source says; NULL where it does not
  grouped_by TEXT,                     -- what must not be torn apart by a split, as the source says
  added_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

-- Whatever else is known of a picture, such as further columns of a table.
CREATE TABLE attribute (
  picture INTEGER NOT NULL REFERENCES picture ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (picture, name)
) STRICT, WITHOUT ROWID;

-- Where a picture was found. The same bytes in two files have two origins.
CREATE TABLE origin (
  id INTEGER PRIMARY KEY,
  picture INTEGER NOT NULL REFERENCES picture ON DELETE CASCADE,
  source INTEGER NOT NULL REFERENCES source,
  file TEXT NOT NULL,                  -- within the source
  row INTEGER,                         -- counted from 0, where a file holds many pictures
  url TEXT,                            -- where the picture was fetched from, where known
  class TEXT NOT NULL                  -- as it stands there
) STRICT;
CREATE UNIQUE INDEX origin_once ON origin (source, file, ifnull(row, -1), picture);
CREATE INDEX origin_of_picture ON origin (picture);

-- What the last import of a source had to leave out.
CREATE TABLE problem (
  source INTEGER NOT NULL REFERENCES source,
  place TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
