-- What was taken out and is not to come back: nothing can be read from it without the study's key.
CREATE TABLE tombstone (
  digest BLOB NOT NULL PRIMARY KEY,    -- HMAC-SHA-256 of the original's SHA-256, or of an address, under the key in setting
  made_on TEXT NOT NULL                -- the day, UTC
) WITHOUT ROWID, STRICT;
-- So that near copies do not come back either: 256 signs of random projections of the picture's fine structure.
CREATE TABLE sketch (
  id INTEGER PRIMARY KEY,
  bits BLOB NOT NULL CHECK (length(bits) = 32),
  made_on TEXT NOT NULL
) STRICT;
INSERT INTO setting (name, value) VALUES ('key', randomblob(32));

-- Trainings that saw pictures of this study, wherever their folders are.
CREATE TABLE run (
  path TEXT NOT NULL PRIMARY KEY       -- absolute
) STRICT, WITHOUT ROWID;
