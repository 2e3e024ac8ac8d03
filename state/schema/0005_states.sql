-- Whole state spaces that algebra decided stand beside intervals of seeds; their patterns of gaps have a period.
ALTER TABLE coverage ADD COLUMN origin TEXT NOT NULL DEFAULT 'seed' CHECK (origin IN ('seed', 'state'));
ALTER TABLE coverage ADD COLUMN period INTEGER NOT NULL DEFAULT 1;
