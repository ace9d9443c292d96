CREATE OR REPLACE VIEW bi.runs AS
SELECT
    r.run_id,
    s.key AS source_key,
    s.name AS source,
    r.kind,
    r.day,
    r.state,
    r.trigger,
    r.model_choice,
    r.version AS model_version,
    r.started_at,
    r.finished_at,
    stages.seconds,
    stages.peak_memory_mb,
    stages.retries,
    r.error,
    r.run_key,
    r.config_hash,
    d.run_id IS NOT NULL AS live,
    r.passed_to
FROM deeplog.runs r
JOIN deeplog.sources s ON s.source_id = r.source_id
LEFT JOIN deeplog.days d ON d.run_id = r.run_id
LEFT JOIN LATERAL (
    SELECT sum(seconds) AS seconds, max(peak_memory_mb) AS peak_memory_mb, count(*) FILTER (WHERE attempt > 1) AS retries
    FROM deeplog.run_stages
    WHERE run_id = r.run_id
) stages ON true;

COMMENT ON VIEW bi.runs IS 'One row a run, with what its stages took.';
COMMENT ON COLUMN bi.runs.run_id         IS 'Number of the run.';
COMMENT ON COLUMN bi.runs.source_key     IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.runs.source         IS 'Name of the source.';
COMMENT ON COLUMN bi.runs.kind           IS 'daily: scores a day; train: learns from the days up to this one; feedback: updates the champion by what people said.';
COMMENT ON COLUMN bi.runs.day            IS 'Calendar day in the zone of the source; of a training the last one; of an update the day that it ran on.';
COMMENT ON COLUMN bi.runs.state          IS 'running, done, failed, or superseded by a later run of the day.';
COMMENT ON COLUMN bi.runs.trigger        IS 'What began it, such as scheduled, manual, backfill or cli.';
COMMENT ON COLUMN bi.runs.model_choice   IS 'What was asked for: champion, keep, or a version.';
COMMENT ON COLUMN bi.runs.model_version  IS 'Version pinned when it began.';
COMMENT ON COLUMN bi.runs.started_at     IS 'When it was first begun.';
COMMENT ON COLUMN bi.runs.finished_at    IS 'When it last ended.';
COMMENT ON COLUMN bi.runs.seconds        IS 'Time that all attempts at its stages took together.';
COMMENT ON COLUMN bi.runs.peak_memory_mb IS 'Largest resident memory of a stage in MiB.';
COMMENT ON COLUMN bi.runs.retries        IS 'Attempts beyond the first of each stage.';
COMMENT ON COLUMN bi.runs.error          IS 'Why it failed.';
COMMENT ON COLUMN bi.runs.run_key        IS 'Name that the caller gave.';
COMMENT ON COLUMN bi.runs.config_hash    IS 'Hash of the configuration it worked with.';
COMMENT ON COLUMN bi.runs.live           IS 'True: its rows are the published ones of the day.';
COMMENT ON COLUMN bi.runs.passed_to      IS 'How far its day had passed when it began: its end, or, of a day that was not over, that moment. Rates are judged up to it. Null: not kept at that time.';
