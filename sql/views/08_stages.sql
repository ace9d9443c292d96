CREATE OR REPLACE VIEW bi.stages AS
SELECT
    s.key AS source_key,
    s.name AS source,
    r.day,
    st.run_id,
    st.stage,
    st.attempt,
    st.state,
    st.rows,
    st.bytes,
    st.seconds,
    st.peak_memory_mb,
    st.host,
    st.started_at,
    st.finished_at,
    st.message
FROM deeplog.run_stages st
JOIN deeplog.runs r ON r.run_id = st.run_id
JOIN deeplog.sources s ON s.source_id = r.source_id;

COMMENT ON VIEW bi.stages IS 'One row an attempt at a stage of a run.';
COMMENT ON COLUMN bi.stages.source_key     IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.stages.source         IS 'Name of the source.';
COMMENT ON COLUMN bi.stages.day            IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.stages.run_id         IS 'Run.';
COMMENT ON COLUMN bi.stages.stage          IS 'Name of the stage.';
COMMENT ON COLUMN bi.stages.attempt        IS 'Counted from 1.';
COMMENT ON COLUMN bi.stages.state          IS 'running, done, failed, or killed: never heard of again when the next attempt began.';
COMMENT ON COLUMN bi.stages.rows           IS 'Rows written.';
COMMENT ON COLUMN bi.stages.bytes          IS 'Bytes written.';
COMMENT ON COLUMN bi.stages.seconds        IS 'Duration in seconds.';
COMMENT ON COLUMN bi.stages.peak_memory_mb IS 'Largest resident memory in MiB.';
COMMENT ON COLUMN bi.stages.host           IS 'Machine that it ran on.';
COMMENT ON COLUMN bi.stages.started_at     IS 'Begin of the attempt.';
COMMENT ON COLUMN bi.stages.finished_at    IS 'End of the attempt.';
COMMENT ON COLUMN bi.stages.message        IS 'What it had to say.';
