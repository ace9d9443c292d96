CREATE OR REPLACE VIEW bi.days AS
SELECT
    s.key AS source_key,
    s.name AS source,
    d.day,
    d.state,
    d.reason,
    d.version AS model_version,
    d.events,
    d.sessions_judged,
    d.sessions_open,
    d.anomalies,
    d.anomalies_published,
    d.quarantined,
    d.starts_at,
    d.ends_at,
    d.scored_at,
    d.stale_since,
    d.run_id,
    d.last_run_id,
    r.state AS last_run_state
FROM deeplog.days d
JOIN deeplog.sources s ON s.source_id = d.source_id
LEFT JOIN deeplog.runs r ON r.run_id = d.last_run_id;

COMMENT ON VIEW bi.days IS 'One row a day that a run has touched.';
COMMENT ON COLUMN bi.days.source_key          IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.days.source              IS 'Name of the source.';
COMMENT ON COLUMN bi.days.day                 IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.days.state               IS 'not_scored, warming_up, scored, stale (late lines came after scoring), or failed. No anomalies is scored with a count of 0.';
COMMENT ON COLUMN bi.days.reason              IS 'Why the day is in this state; null for a plain scored day.';
COMMENT ON COLUMN bi.days.model_version       IS 'Model version that scored it.';
COMMENT ON COLUMN bi.days.events              IS 'Events of the day; null: never published.';
COMMENT ON COLUMN bi.days.sessions_judged     IS 'Sessions, pieces or windows judged on this day.';
COMMENT ON COLUMN bi.days.sessions_open       IS 'Sessions not over at the end of the day.';
COMMENT ON COLUMN bi.days.anomalies           IS 'All anomalies; null, not 0, where the day was never looked at.';
COMMENT ON COLUMN bi.days.anomalies_published IS 'Anomalies that have a row.';
COMMENT ON COLUMN bi.days.quarantined         IS 'Lines that could not be read.';
COMMENT ON COLUMN bi.days.starts_at           IS 'Begin of the day as an instant.';
COMMENT ON COLUMN bi.days.ends_at             IS 'End of the day as an instant, exclusive.';
COMMENT ON COLUMN bi.days.scored_at           IS 'When its rows were published.';
COMMENT ON COLUMN bi.days.stale_since         IS 'When late lines were noticed.';
COMMENT ON COLUMN bi.days.run_id              IS 'Run whose rows are published.';
COMMENT ON COLUMN bi.days.last_run_id         IS 'Run that was begun last.';
COMMENT ON COLUMN bi.days.last_run_state      IS 'How that one stands.';
