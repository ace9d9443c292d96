-- Of all that people said and that holds on an anomaly's day, the nearest to it counts (about the anomaly itself, then
-- its incident, its session, its template, and last what was said of the same rule on the same template), and of two as
-- near the later one. Each is joined as a whole: looked up for one anomaly after another, a year of them takes minutes.
CREATE OR REPLACE VIEW bi.anomalies AS
SELECT
    s.key AS source_key,
    s.name AS source,
    a.day,
    a.anomaly_id,
    a.detector,
    a.kind,
    a.session,
    a.reason,
    a.score,
    a.threshold,
    a.p_value,
    a.rank,
    a.probability,
    a.expected,
    a.event_count,
    a.first_time,
    a.last_time,
    a.template_id,
    t.template,
    t.root_id,
    a.file_id,
    a.line_no,
    a.byte_offset,
    a.version AS model_version,
    d.state AS day_state,
    a.run_id,
    a.locator,
    a.details,
    a.incident_id,
    said.kind AS verdict,
    coalesce(said.kind = 'true_positive', true) AS shown,
    said.verdict_id
FROM deeplog.anomalies a
JOIN deeplog.sources s ON s.source_id = a.source_id
JOIN deeplog.days d ON d.source_id = a.source_id AND d.day = a.day
LEFT JOIN bi.templates t ON t.source_key = s.key AND t.template_id = a.template_id
LEFT JOIN (
    SELECT source_id, day, anomaly_id, max(verdict_id) AS verdict_id
    FROM deeplog.verdicts
    WHERE scope = 'anomaly' AND withdrawn_at IS NULL AND (until IS NULL OR until >= day)
    GROUP BY source_id, day, anomaly_id
) itself ON itself.source_id = a.source_id AND itself.day = a.day AND itself.anomaly_id = a.anomaly_id
LEFT JOIN (
    SELECT i.source_id, i.day, i.incident_id, max(v.verdict_id) AS verdict_id
    FROM deeplog.verdicts v
    JOIN deeplog.incidents i ON i.source_id = v.source_id AND i.fingerprint = v.fingerprint
    WHERE v.scope = 'incident' AND v.withdrawn_at IS NULL AND (v.until IS NULL OR v.until >= i.day)
    GROUP BY i.source_id, i.day, i.incident_id
) incident ON incident.source_id = a.source_id AND incident.day = a.day AND incident.incident_id = a.incident_id
LEFT JOIN (
    -- What is no name of a session, but a pattern: names are looked up, patterns tried one by one.
    SELECT source_id, array_agg(session_like) AS likes, array_agg(session_regex) AS regexes
    FROM deeplog.verdicts
    WHERE scope = 'session' AND withdrawn_at IS NULL AND session_like ~ '^([^%_\\]|\\.)*$' IS NOT TRUE
    GROUP BY source_id
) patterns ON patterns.source_id = a.source_id
LEFT JOIN (
    -- Templates that something is said about, with all that were merged with them: seldom more than a few.
    WITH RECURSIVE kin (source_id, verdict_id, until, template_id) AS (
        SELECT source_id, verdict_id, coalesce(until, 'infinity'), template_id
        FROM deeplog.verdicts
        WHERE scope = 'template' AND withdrawn_at IS NULL
        UNION
        SELECT kin.source_id, kin.verdict_id, kin.until, beside.template_id
        FROM kin
        CROSS JOIN LATERAL (
            SELECT alias_of AS template_id
            FROM deeplog.templates
            WHERE source_id = kin.source_id AND template_id = kin.template_id AND alias_of IS NOT NULL
            UNION ALL
            SELECT template_id
            FROM deeplog.templates
            WHERE source_id = kin.source_id AND alias_of = kin.template_id
        ) beside
    )
    SELECT source_id, template_id, array_agg(verdict_id) AS verdict_ids, array_agg(until) AS untils
    FROM kin
    GROUP BY source_id, template_id
) kin ON kin.source_id = a.source_id AND kin.template_id = a.template_id
LEFT JOIN (
    -- Rules that people called a false positive on a template, which is so for good: seldom more than a few.
    SELECT f.source_id, f.rule, coalesce(of_rule.root_id, f.template_id) AS root_id, max(f.verdict_id) AS verdict_id
    FROM deeplog.feedback_findings f
    JOIN deeplog.verdicts v ON v.source_id = f.source_id AND v.verdict_id = f.verdict_id
    JOIN deeplog.sources s ON s.source_id = f.source_id
    LEFT JOIN bi.templates of_rule ON of_rule.source_key = s.key AND of_rule.template_id = f.template_id
    WHERE f.detector = 'rules' AND f.normal AND v.scope IN ('anomaly', 'incident') AND v.withdrawn_at IS NULL
    GROUP BY 1, 2, 3
) spared ON a.detector = 'rules' AND spared.source_id = a.source_id
    AND spared.rule = split_part(a.locator, ':', 1) AND spared.root_id = coalesce(t.root_id, a.template_id)
LEFT JOIN LATERAL (
    SELECT coalesce(
        itself.verdict_id,
        incident.verdict_id,
        CASE
            WHEN (a.source_id, a.session) IN (
                    SELECT source_id, regexp_replace(session_like, '\\(.)', '\1', 'g')
                    FROM deeplog.verdicts
                    WHERE scope = 'session' AND withdrawn_at IS NULL AND session_like ~ '^([^%_\\]|\\.)*$'
                )
                OR a.session LIKE ANY (patterns.likes)
                OR a.session ~ ANY (patterns.regexes)
            THEN (
                SELECT max(v.verdict_id)
                FROM deeplog.verdicts v
                WHERE v.source_id = a.source_id AND v.scope = 'session' AND v.withdrawn_at IS NULL
                    AND (v.until IS NULL OR v.until >= a.day)
                    AND (a.session LIKE v.session_like OR a.session ~ v.session_regex)
            )
        END,
        CASE WHEN kin.verdict_ids IS NOT NULL THEN (
            SELECT max(about.verdict_id)
            FROM unnest(kin.verdict_ids, kin.untils) AS about (verdict_id, until)
            WHERE about.until >= a.day
        ) END,
        spared.verdict_id
    ) AS verdict_id
    OFFSET 0 -- found once for each anomaly, whatever the plan
) nearest ON true
LEFT JOIN deeplog.verdicts said ON said.source_id = a.source_id AND said.verdict_id = nearest.verdict_id;

COMMENT ON VIEW bi.anomalies IS 'Anomalies of all published days.';
COMMENT ON COLUMN bi.anomalies.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.anomalies.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.anomalies.day           IS 'Day that the verdict belongs to, in the zone of the source.';
COMMENT ON COLUMN bi.anomalies.anomaly_id    IS 'Found again, the same anomaly has the same id.';
COMMENT ON COLUMN bi.anomalies.detector      IS 'Detector that found it: sessions (the default verdict), values, rates, rules, or one that detection.enable names.';
COMMENT ON COLUMN bi.anomalies.kind          IS 'Of sessions unknown_template, missing_end, key_order, key_counts; of values parameter_value, elapsed_time, new_value; of rates rate_burst, rate_drop, rate_vanished, rate_new; of rules rule; of enabled detectors count_vector.';
COMMENT ON COLUMN bi.anomalies.session       IS 'Session or window; null where it belongs to none, as a rate.';
COMMENT ON COLUMN bi.anomalies.reason        IS 'Why it was flagged, in words.';
COMMENT ON COLUMN bi.anomalies.score         IS 'Score; larger is more anomalous.';
COMMENT ON COLUMN bi.anomalies.threshold     IS 'Score from which on the detector says anomaly.';
COMMENT ON COLUMN bi.anomalies.p_value       IS 'Share of normal sessions that score as high; of rates how many such there are on a normal day; null: not known, as of rules.';
COMMENT ON COLUMN bi.anomalies.rank          IS 'Rank of the key that came among those expected, from 0.';
COMMENT ON COLUMN bi.anomalies.probability   IS 'Probability that the model gave to it.';
COMMENT ON COLUMN bi.anomalies.expected      IS 'What was expected instead, as JSON: key and probability.';
COMMENT ON COLUMN bi.anomalies.event_count   IS 'Of sessions their events; of values those like it in the session; of rates the events counted; of rules the records.';
COMMENT ON COLUMN bi.anomalies.first_time    IS 'First event of the session, or of what was found.';
COMMENT ON COLUMN bi.anomalies.last_time     IS 'Last event of the session, or of what was found.';
COMMENT ON COLUMN bi.anomalies.template_id   IS 'Template of the worst event.';
COMMENT ON COLUMN bi.anomalies.template      IS 'Its text.';
COMMENT ON COLUMN bi.anomalies.root_id       IS 'The template that it was merged into since.';
COMMENT ON COLUMN bi.anomalies.file_id       IS 'Raw file of the worst line.';
COMMENT ON COLUMN bi.anomalies.line_no       IS 'Its number in that file, from 1.';
COMMENT ON COLUMN bi.anomalies.byte_offset   IS 'Its byte offset in the uncompressed file, from 0.';
COMMENT ON COLUMN bi.anomalies.model_version IS 'Model version that found it.';
COMMENT ON COLUMN bi.anomalies.day_state     IS 'State of the day: stale means that late lines came after scoring.';
COMMENT ON COLUMN bi.anomalies.run_id        IS 'Run that published the row.';
COMMENT ON COLUMN bi.anomalies.locator       IS 'What makes it unique within its detector and day.';
COMMENT ON COLUMN bi.anomalies.details       IS 'What its kind has to say beyond the columns, as JSON: typical and actual values, what never came, and the like.';
COMMENT ON COLUMN bi.anomalies.incident_id   IS 'Incident of the day that it belongs to, as in bi.incidents.';
COMMENT ON COLUMN bi.anomalies.verdict       IS 'What people said that counts for it: false_positive, true_positive, expected or mute; null: nothing.';
COMMENT ON COLUMN bi.anomalies.shown         IS 'False: hidden by that verdict. Pages and alerts show WHERE shown.';
COMMENT ON COLUMN bi.anomalies.verdict_id    IS 'That verdict, as in bi.verdicts. The nearest to the anomaly counts: about itself, then its incident, its session, its template, and a false positive of the same rule on the same template; of two as near the later.';
