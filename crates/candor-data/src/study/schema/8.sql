-- Files that a removal has still to delete. A row is written in the transaction that takes the picture's rows away, and
-- goes when the file is gone, so that a removal which was killed is completed when the study is next written to.
CREATE TABLE removal (
  sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64)
) STRICT, WITHOUT ROWID;
