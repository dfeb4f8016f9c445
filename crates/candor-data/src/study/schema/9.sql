-- A sketch may be followed by a byte: how many of its signs may differ in a copy, as the pictures that stayed show.
CREATE TABLE sketch_with_limit (
  id INTEGER PRIMARY KEY,
  bits BLOB NOT NULL CHECK (length(bits) IN (32, 33)),
  made_on TEXT NOT NULL
) STRICT;
INSERT INTO sketch_with_limit SELECT id, bits, made_on FROM sketch;
DROP TABLE sketch;
ALTER TABLE sketch_with_limit RENAME TO sketch;
