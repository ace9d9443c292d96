-- Days that were judged are what new, ongoing and resolved are counted in: a day that was not scored says nothing.
CREATE OR REPLACE VIEW bi.incidents AS
WITH latest AS MATERIALIZED (
    SELECT source_id, max(day) AS day
    FROM deeplog.days
    WHERE state IN ('scored', 'stale')
    GROUP BY source_id
), severities AS MATERIALIZED (
    SELECT i.source_id, i.severity, count(*) AS incidents
    FROM deeplog.incidents i
    JOIN latest ON latest.source_id = i.source_id AND i.day BETWEEN latest.day - 29 AND latest.day
    GROUP BY i.source_id, i.severity
)
SELECT
    s.key AS source_key,
    s.name AS source,
    i.day,
    i.incident_id,
    CASE
        WHEN span.last_day < latest.day THEN 'resolved'
        WHEN before.seen THEN 'ongoing'
        ELSE 'new'
    END AS status,
    i.severity,
    coalesce(round(
        (i.severity * (others.incidents + 20) + others.incidents * (others.place - i.severity) / 2)
        / (others.incidents + 20)
    )::integer, i.severity) AS severity_now,
    i.kind,
    i.title,
    i.reason,
    i.anomalies,
    i.sessions,
    i.first_time,
    i.last_time,
    span.first_day,
    span.last_day,
    span.days_seen,
    CASE WHEN before.seen THEN 'ongoing' ELSE 'new' END AS status_then,
    coalesce(said.kind, of_anomalies.verdict) AS verdict,
    coalesce(of_anomalies.shown, said.kind IS NULL OR said.kind = 'true_positive') AS shown,
    coalesce(of_anomalies.hidden, 0) AS anomalies_hidden,
    deploy.label AS deploy,
    deploy.at AS deploy_at,
    i.fingerprint,
    i.worst_anomaly_id,
    i.first_file_id,
    i.first_line_no,
    i.first_byte_offset,
    i.worst_file_id,
    i.worst_line_no,
    i.worst_byte_offset,
    i.details,
    d.state AS day_state,
    d.version AS model_version,
    i.run_id,
    i.locator
FROM deeplog.incidents i
JOIN deeplog.sources s ON s.source_id = i.source_id
JOIN deeplog.days d ON d.source_id = i.source_id AND d.day = i.day
LEFT JOIN latest ON latest.source_id = i.source_id
LEFT JOIN LATERAL (
    SELECT min(f.day) AS first_day, max(f.day) AS last_day, count(DISTINCT f.day) AS days_seen
    FROM deeplog.incidents f
    WHERE f.source_id = i.source_id AND f.fingerprint = i.fingerprint
) span ON true
LEFT JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM deeplog.incidents f
        WHERE f.source_id = i.source_id AND f.fingerprint = i.fingerprint AND f.day < i.day AND f.day >= (
            SELECT min(judged.day)
            FROM (
                SELECT day
                FROM deeplog.days
                WHERE source_id = i.source_id AND day < i.day AND state IN ('scored', 'stale')
                ORDER BY day DESC
                LIMIT 7
            ) judged
        )
    ) AS seen
) before ON true
LEFT JOIN LATERAL (
    SELECT
        sum(o.incidents) AS incidents,
        100 * sum(CASE WHEN o.severity < i.severity THEN o.incidents WHEN o.severity = i.severity THEN o.incidents / 2.0 ELSE 0 END)
        / sum(o.incidents) AS place
    FROM severities o
    WHERE o.source_id = i.source_id
) others ON true
LEFT JOIN LATERAL (
    SELECT v.kind
    FROM deeplog.verdicts v
    WHERE v.source_id = i.source_id AND v.fingerprint = i.fingerprint AND v.scope = 'incident'
        AND v.withdrawn_at IS NULL AND (v.until IS NULL OR v.until >= i.day)
    ORDER BY v.verdict_id DESC
    LIMIT 1
) said ON true
LEFT JOIN (
    SELECT
        source_key,
        day,
        incident_id,
        bool_or(shown) AS shown,
        count(*) FILTER (WHERE NOT shown) AS hidden,
        CASE WHEN count(verdict) = count(*) AND min(verdict) = max(verdict) THEN min(verdict) END AS verdict
    FROM bi.anomalies
    WHERE incident_id IS NOT NULL
    GROUP BY source_key, day, incident_id
) of_anomalies ON of_anomalies.source_key = s.key AND of_anomalies.day = i.day AND of_anomalies.incident_id = i.incident_id
LEFT JOIN LATERAL (
    SELECT label, at
    FROM deeplog.deploys
    WHERE source_id = i.source_id AND withdrawn_at IS NULL
        AND at >= i.first_time - interval '24 hours' AND at <= i.last_time
    ORDER BY at DESC
    LIMIT 1
) deploy ON true;

COMMENT ON VIEW bi.incidents IS 'Anomalies of a day that are one event to a person, seen together with the days before and after.';
COMMENT ON COLUMN bi.incidents.source_key        IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.incidents.source            IS 'Name of the source.';
COMMENT ON COLUMN bi.incidents.day               IS 'Day of its anomalies, in the zone of the source.';
COMMENT ON COLUMN bi.incidents.incident_id       IS 'Found again on the same day, the same incident has the same id.';
COMMENT ON COLUMN bi.incidents.status            IS 'resolved: the latest scored day of the source is without it; else ongoing: one of the 7 scored days before this one had it; else new.';
COMMENT ON COLUMN bi.incidents.severity          IS '0 to 100, as its day alone gives it; never changes.';
COMMENT ON COLUMN bi.incidents.severity_now      IS 'The same against other days: half of the way towards its percentile among the source''s incidents of the 30 days up to the latest scored one, less with few: severity + n / (n + 20) * (percentile - severity) / 2 for n incidents.';
COMMENT ON COLUMN bi.incidents.kind              IS 'What kind of incident it is.';
COMMENT ON COLUMN bi.incidents.title             IS 'What it is, in a few words.';
COMMENT ON COLUMN bi.incidents.reason            IS 'Why it is one, in words.';
COMMENT ON COLUMN bi.incidents.anomalies         IS 'Its anomalies, those without a row too.';
COMMENT ON COLUMN bi.incidents.sessions          IS 'Sessions that they touch.';
COMMENT ON COLUMN bi.incidents.first_time        IS 'When it began on this day.';
COMMENT ON COLUMN bi.incidents.last_time         IS 'When it ended on this day.';
COMMENT ON COLUMN bi.incidents.first_day         IS 'First day with this fingerprint.';
COMMENT ON COLUMN bi.incidents.last_day          IS 'Last day with this fingerprint.';
COMMENT ON COLUMN bi.incidents.days_seen         IS 'Days with this fingerprint.';
COMMENT ON COLUMN bi.incidents.status_then       IS 'new or ongoing, as it was on its day.';
COMMENT ON COLUMN bi.incidents.verdict           IS 'What people said of the incident, or of all of its anomalies alike; null: nothing.';
COMMENT ON COLUMN bi.incidents.shown             IS 'False: verdicts hide all of its anomalies. Pages and alerts show WHERE shown.';
COMMENT ON COLUMN bi.incidents.anomalies_hidden  IS 'Of its anomalies with a row, the ones that a verdict hides.';
COMMENT ON COLUMN bi.incidents.deploy            IS 'The last deploy marked from a day before it began to its end; null: none.';
COMMENT ON COLUMN bi.incidents.deploy_at         IS 'When that one went live.';
COMMENT ON COLUMN bi.incidents.fingerprint       IS 'The same on another day for the same incident.';
COMMENT ON COLUMN bi.incidents.worst_anomaly_id  IS 'The worst of its anomalies.';
COMMENT ON COLUMN bi.incidents.first_file_id     IS 'Raw file of its first line.';
COMMENT ON COLUMN bi.incidents.first_line_no     IS 'Number of that line in its file, from 1.';
COMMENT ON COLUMN bi.incidents.first_byte_offset IS 'Byte offset of that line in the uncompressed file, from 0.';
COMMENT ON COLUMN bi.incidents.worst_file_id     IS 'Raw file of its worst line.';
COMMENT ON COLUMN bi.incidents.worst_line_no     IS 'Number of that line in its file, from 1.';
COMMENT ON COLUMN bi.incidents.worst_byte_offset IS 'Byte offset of that line in the uncompressed file, from 0.';
COMMENT ON COLUMN bi.incidents.details           IS 'What its kind has to say beyond the columns, as JSON.';
COMMENT ON COLUMN bi.incidents.day_state         IS 'State of the day: stale means that late lines came after scoring.';
COMMENT ON COLUMN bi.incidents.model_version     IS 'Model version that found it.';
COMMENT ON COLUMN bi.incidents.run_id            IS 'Run that published the row.';
COMMENT ON COLUMN bi.incidents.locator           IS 'What makes it unique within its day.';
