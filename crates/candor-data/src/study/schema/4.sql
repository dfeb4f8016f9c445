-- Who said what of a picture, when and why. Nothing is ever changed here: what holds now is in picture.class and attribute.
CREATE TABLE opinion (
  id INTEGER PRIMARY KEY,
  picture INTEGER NOT NULL REFERENCES picture ON DELETE CASCADE,
  name TEXT NOT NULL,                  -- class, or the name of an attribute
  value TEXT NOT NULL,
  annotator TEXT NOT NULL,
  why TEXT,
  given_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
CREATE INDEX opinion_of_picture ON opinion (picture, name);
