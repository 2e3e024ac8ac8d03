-- What waits for a person: a list, each with what it would change, the evidence, and when it lapses.
CREATE TABLE approvals (
  n INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  summary TEXT NOT NULL,
  diff TEXT NOT NULL,
  evidence TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'rejected', 'expired', 'withdrawn')),
  by TEXT,
  why TEXT NOT NULL,
  at TEXT NOT NULL,
  changed TEXT NOT NULL,
  expires TEXT NOT NULL,
  boot TEXT NOT NULL,
  lapses REAL NOT NULL,
  seq INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_subject ON approvals (subject, state);

-- What a request must find before it may start: a JSON list of gpu, workers, draws, llm.
ALTER TABLE requests ADD COLUMN needs TEXT NOT NULL DEFAULT '[]';
