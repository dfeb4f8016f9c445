-- Folders outside of the study that its pictures were written to, so that they can be taken out of there too.
CREATE TABLE outside (
  id INTEGER PRIMARY KEY,
  folder TEXT NOT NULL UNIQUE,         -- absolute, without links
  verb TEXT NOT NULL CHECK (verb IN ('crop', 'export')),
  layout TEXT NOT NULL,                -- class-folders, index-csv, parquet, web-dataset
  written_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  stale_since TEXT                     -- since when it may hold pictures that were taken out of the study
) STRICT;

-- What was written there of a picture: the original or faces of it. Noted before the file is there.
CREATE TABLE outside_copy (
  outside INTEGER NOT NULL REFERENCES outside ON DELETE CASCADE,
  picture INTEGER NOT NULL REFERENCES picture ON DELETE CASCADE,
  sha256 TEXT CHECK (length(sha256) = 64),  -- of what was written; NULL where only a table speaks of the picture
  bytes INTEGER,                       -- how long that is
  file TEXT                            -- within the folder, where one file holds many pictures; NULL until it is complete
) STRICT;
CREATE INDEX outside_copy_of_picture ON outside_copy (picture);
CREATE INDEX outside_copy_there ON outside_copy (outside, sha256);
