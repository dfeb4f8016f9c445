-- What candor collect asked the web for, or would not ask for: a row for each address, with what came of it the last time.
CREATE TABLE fetch (
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL REFERENCES source,
  kind TEXT NOT NULL CHECK (kind IN ('robots', 'page', 'picture')),
  url TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'refused', 'failed')),
                                       -- refused is for good (until --refresh), failed is tried again by the next run
  reason TEXT,                         -- of a refusal or a failure
  robots TEXT,                         -- what the robots.txt of its host said of it
  asked_at TEXT,                       -- UTC; NULL where it was not asked for
  status INTEGER,                      -- of the last answer
  location TEXT,                       -- where redirects led
  content_type TEXT,                   -- headers of the last answer
  etag TEXT,
  last_modified TEXT,
  x_robots_tag TEXT,
  licence TEXT,                        -- as a header or the page states it
  sha256 TEXT,                         -- of the bytes that came; of a picture, picture.sha256
  recipe TEXT,                         -- SHA-256 of the recipe by which it was asked for
  rules TEXT                           -- of a page: SHA-256 of what the recipe looked for on it
) STRICT;
-- A page may be read for two sites of a recipe; a picture is asked for once.
CREATE UNIQUE INDEX fetch_page ON fetch (source, url) WHERE kind = 'page';
CREATE UNIQUE INDEX fetch_once ON fetch (kind, url) WHERE kind <> 'page';
CREATE INDEX fetch_sha256 ON fetch (sha256);

-- Redirects on the way to an address, in order.
CREATE TABLE hop (
  fetch INTEGER NOT NULL REFERENCES fetch ON DELETE CASCADE,
  place INTEGER NOT NULL,
  url TEXT NOT NULL,                   -- that was asked
  status INTEGER NOT NULL,             -- that it answered
  PRIMARY KEY (fetch, place)
) STRICT, WITHOUT ROWID;

-- What pages and lists say of a picture. Several may name the same.
CREATE TABLE named (
  id INTEGER PRIMARY KEY,
  picture INTEGER NOT NULL REFERENCES fetch ON DELETE CASCADE,
  page INTEGER REFERENCES fetch ON DELETE CASCADE,   -- NULL: a list of addresses
  source INTEGER NOT NULL REFERENCES source,
  class TEXT NOT NULL,
  name TEXT,                           -- often of a person
  licence TEXT
) STRICT;
CREATE INDEX named_picture ON named (picture);
CREATE INDEX named_page ON named (page);
