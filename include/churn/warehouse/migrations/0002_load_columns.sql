-- is_sample: the file is the sample that is shipped.
-- is_partial: a small file of changes, which no whole file is compared with.
-- is_baseline: later loads are compared with this one and those after it.
-- profile: how often each column has each value, in a sample of the accepted rows.
-- unended: the last line, where the file does not end with a line end.
ALTER TABLE loads
ALTER COLUMN decimal_mark DROP NOT NULL,
ADD COLUMN IF NOT EXISTS thousands_mark text,
ADD COLUMN IF NOT EXISTS unended text,
ADD COLUMN IF NOT EXISTS is_sample boolean NOT NULL DEFAULT false,
ADD COLUMN IF NOT EXISTS is_partial boolean NOT NULL DEFAULT false,
ADD COLUMN IF NOT EXISTS is_baseline boolean NOT NULL DEFAULT false,
ADD COLUMN IF NOT EXISTS profile jsonb;
