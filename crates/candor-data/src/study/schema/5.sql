-- How faces were looked for and cut out: one row, once that was done.
CREATE TABLE cropping (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  detector TEXT NOT NULL,              -- which, with its settings
  which TEXT NOT NULL CHECK (which IN ('one', 'largest', 'all')),
  margin REAL NOT NULL,                -- on each side, as a share of the face's longer side
  side INTEGER NOT NULL,               -- of a crop, in pixels
  began_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

-- The pictures in which faces were looked for.
CREATE TABLE searched (
  picture INTEGER PRIMARY KEY REFERENCES picture ON DELETE CASCADE,
  failure TEXT                         -- why nothing was cut out; NULL where something was
) STRICT;

-- A face that was found, in pixels of the picture as it is to be looked at, and what was cut out of it.
CREATE TABLE face (
  id INTEGER PRIMARY KEY,
  picture INTEGER NOT NULL REFERENCES searched ON DELETE CASCADE,
  x INTEGER NOT NULL,
  y INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  score REAL NOT NULL,                 -- the detector's own
  crop TEXT CHECK (length(crop) = 64), -- SHA-256 of derived/<crop>; NULL where this face was not cut out
  shows_x INTEGER,                     -- the square of the picture that the crop shows
  shows_y INTEGER,
  shows_side INTEGER
) STRICT;
CREATE INDEX face_of_picture ON face (picture);
CREATE INDEX face_by_crop ON face (crop);
