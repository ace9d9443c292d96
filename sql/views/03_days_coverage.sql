CREATE OR REPLACE VIEW bi.days_coverage AS
WITH span AS (
    -- a day without lines that was run long before all others, by a slip of the pen, opens no calendar
    SELECT source_id, min(day) FILTER (WHERE state <> 'not_scored') AS first_day, max(day) AS last_day
    FROM deeplog.days
    GROUP BY source_id
),
calendar AS (
    SELECT span.source_id, every.day::date AS day
    FROM span
    CROSS JOIN LATERAL
        generate_series(span.first_day::timestamp, span.last_day::timestamp, interval '1 day') AS every (day)
    UNION
    SELECT source_id, day FROM deeplog.days
)
SELECT
    s.key AS source_key,
    s.name AS source,
    calendar.day,
    coalesce(d.state, 'not_scored') AS state,
    CASE WHEN d.day IS NULL THEN 'no run has touched this day' ELSE d.reason END AS reason,
    d.anomalies,
    d.anomalies_published,
    d.events,
    d.sessions_judged,
    d.sessions_open,
    d.quarantined,
    d.version AS model_version,
    d.scored_at,
    d.stale_since,
    d.run_id
FROM calendar
JOIN deeplog.sources s ON s.source_id = calendar.source_id
LEFT JOIN deeplog.days d ON d.source_id = calendar.source_id AND d.day = calendar.day;

COMMENT ON VIEW bi.days_coverage IS 'Every day of a source from the first with a result to the last known, those that no run has touched too.';
COMMENT ON COLUMN bi.days_coverage.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.days_coverage.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.days_coverage.day           IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.days_coverage.state         IS 'not_scored, warming_up, scored, stale or failed.';
COMMENT ON COLUMN bi.days_coverage.reason        IS 'Why the day is in this state; null for a plain scored day.';
COMMENT ON COLUMN bi.days_coverage.anomalies           IS 'All anomalies; null, not 0, where the day was never looked at.';
COMMENT ON COLUMN bi.days_coverage.anomalies_published IS 'Anomalies that have a row.';
COMMENT ON COLUMN bi.days_coverage.events              IS 'Events of the day; null: never published.';
COMMENT ON COLUMN bi.days_coverage.sessions_judged     IS 'Sessions, pieces or windows judged on this day.';
COMMENT ON COLUMN bi.days_coverage.sessions_open       IS 'Sessions not over at the end of the day.';
COMMENT ON COLUMN bi.days_coverage.quarantined         IS 'Lines that could not be read.';
COMMENT ON COLUMN bi.days_coverage.model_version       IS 'Model version that scored it.';
COMMENT ON COLUMN bi.days_coverage.scored_at           IS 'When its rows were published.';
COMMENT ON COLUMN bi.days_coverage.stale_since         IS 'When late lines were noticed.';
COMMENT ON COLUMN bi.days_coverage.run_id              IS 'Run whose rows are published.';
