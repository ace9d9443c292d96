ALTER TABLE deeplog.runs DROP CONSTRAINT runs_kind_check;
ALTER TABLE deeplog.runs ADD CONSTRAINT runs_kind_check CHECK (kind IN ('daily', 'train', 'feedback'));

COMMENT ON TABLE  deeplog.runs         IS 'One row a run of a day, of a training, or of an update by what people said: what was asked, which model version was pinned, how it ended.';
COMMENT ON COLUMN deeplog.runs.kind    IS 'daily: scores a day; train: learns from the days up to this one; feedback: updates the champion by what people said. The latter two touch no day.';
COMMENT ON COLUMN deeplog.runs.day     IS 'Calendar day in the zone of the source; of a training the last one; of an update the day that it ran on.';
