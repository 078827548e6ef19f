-- The failures of one fingerprint. Times are milliseconds since 1970 in UTC, 0 for none.
-- Every text was redacted before it came here.
CREATE TABLE series (
  id            TEXT PRIMARY KEY,
  count         INTEGER NOT NULL,
  first         INTEGER NOT NULL,
  last          INTEGER NOT NULL,
  example       TEXT NOT NULL,
  unreported    INTEGER NOT NULL,
  told          INTEGER NOT NULL,
  draft_subject TEXT NOT NULL,
  draft_text    TEXT NOT NULL,
  ticket        TEXT NOT NULL,
  until         INTEGER NOT NULL,
  covers        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX series_by_ticket ON series (ticket) WHERE ticket <> '';
CREATE INDEX series_unreported ON series (unreported) WHERE unreported > 0;
CREATE INDEX series_by_last ON series (last);

-- What leads to a series: a failure's key, a fingerprint, an execution's kin.
CREATE TABLE names (
  name   TEXT PRIMARY KEY,
  series TEXT NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX names_by_at ON names (at);
