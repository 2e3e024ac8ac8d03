-- What a year of records needs to be found at once: each of these was a walk over its whole table.
CREATE INDEX pools_seq ON pools (seq);
CREATE INDEX requests_seq ON requests (seq);
CREATE INDEX requests_origin ON requests (origin, n);
CREATE INDEX decisions_seq ON decisions (seq);
CREATE INDEX decisions_run ON decisions (run, id);
CREATE INDEX decisions_cause ON decisions (cause, id);
CREATE INDEX runs_state ON runs (state, n);

-- Readings thinned out: mean, least and most over cells of `seconds`; outside the chain, bounded by retention like `samples`.
CREATE TABLE means (
  name TEXT NOT NULL,
  seconds INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  n INTEGER NOT NULL,
  total REAL NOT NULL,
  least REAL NOT NULL,
  most REAL NOT NULL,
  PRIMARY KEY (seconds, name, cell)
) STRICT, WITHOUT ROWID;
CREATE INDEX means_cell ON means (seconds, cell);
