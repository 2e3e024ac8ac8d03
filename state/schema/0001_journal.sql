-- The journal as first released. Forward only: a later change is a new numbered file, never an edit of this one.

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  boot TEXT NOT NULL,
  mono REAL NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX events_kind ON events (kind, seq);

-- The chain's tip, changed with every event: a cut tail of `events` shows.
CREATE TABLE tip (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO tip VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- Which events concern which request (r-7), decision (d-12), run or sweep; role is the key under which the event names it.
CREATE TABLE links (
  subject TEXT NOT NULL,
  seq INTEGER NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (subject, seq, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE halt (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  kind TEXT NOT NULL CHECK (kind IN ('finish', 'checkpoint', 'now')),
  by TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked TEXT NOT NULL,
  reached TEXT,
  seq INTEGER NOT NULL
) STRICT;

CREATE TABLE requests (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  origin TEXT NOT NULL,
  args TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'claimed', 'running', 'done', 'failed', 'rejected', 'deferred', 'cancelled')),
  priority INTEGER NOT NULL,
  why TEXT NOT NULL,
  key TEXT UNIQUE,
  cause TEXT,
  run TEXT,
  result TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  at TEXT NOT NULL,
  changed TEXT NOT NULL,
  session TEXT,
  pid INTEGER,
  boot TEXT,
  lease_until REAL,
  not_before REAL,
  seq INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_next ON requests (state, priority DESC, n);

CREATE TABLE decisions (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  step TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('PROCEED', 'RETRY', 'ESCALATE', 'HALT', 'RESUME')),
  confidence REAL,
  reason TEXT NOT NULL,
  primary_signal TEXT NOT NULL,
  rule TEXT NOT NULL,
  source TEXT NOT NULL,
  advice TEXT NOT NULL,
  evidence TEXT NOT NULL,
  changes TEXT NOT NULL,
  run TEXT,
  request TEXT,
  cause TEXT,
  seq INTEGER NOT NULL
) STRICT;

CREATE TABLE chunks (
  sweep TEXT NOT NULL,
  idx INTEGER NOT NULL,
  spec TEXT,
  digest TEXT,
  meta TEXT,
  result BLOB,
  seq INTEGER NOT NULL,
  PRIMARY KEY (sweep, idx)
) STRICT;

-- Hypotheses are text: their number may pass 2^63.
CREATE TABLE bill (key TEXT PRIMARY KEY, hypotheses TEXT NOT NULL, detail TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE bill_total (id INTEGER PRIMARY KEY CHECK (id = 1), hypotheses TEXT NOT NULL) STRICT;
INSERT INTO bill_total VALUES (1, '0');

-- Telemetry: outside the chain, bounded by retention.
CREATE TABLE samples (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at REAL NOT NULL, value REAL NOT NULL) STRICT;
CREATE INDEX samples_name ON samples (name, at);

CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;

CREATE TABLE pools (
  for_draw INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  pool TEXT NOT NULL,
  PRIMARY KEY (for_draw, seq)
) STRICT;
CREATE TABLE judgements (
  for_draw INTEGER PRIMARY KEY,
  value INTEGER,
  forecast INTEGER NOT NULL CHECK (forecast IN (0, 1)),
  pool_seq INTEGER,
  score TEXT NOT NULL,
  at TEXT NOT NULL,
  seq INTEGER NOT NULL
) STRICT;

CREATE TABLE parameters (name TEXT PRIMARY KEY, value TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE TABLE parameter_changes (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  name TEXT NOT NULL,
  before TEXT,
  after TEXT NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  cause TEXT
) STRICT;
CREATE INDEX parameter_changes_name ON parameter_changes (name, seq);

CREATE TABLE runs (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'halted', 'escalated')),
  why TEXT NOT NULL,
  spec TEXT NOT NULL,
  steps TEXT NOT NULL,
  result TEXT,
  request TEXT,
  cause TEXT,
  started TEXT NOT NULL,
  finished TEXT,
  seq INTEGER NOT NULL
) STRICT;
