-- How much of its day had passed when a run began: what a day that is not over is judged by is an input, not the clock.

ALTER TABLE deeplog.runs ADD COLUMN passed_to timestamptz;

COMMENT ON COLUMN deeplog.runs.passed_to IS 'The end of its day, or, of a day that was not over, when it last began: pinned, so that a stage that is tried again later sees the same day. Null: begun before this was kept.';
