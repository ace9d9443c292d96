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
    a.locator
FROM deeplog.anomalies a
JOIN deeplog.sources s ON s.source_id = a.source_id
JOIN deeplog.days d ON d.source_id = a.source_id AND d.day = a.day
LEFT JOIN bi.templates t ON t.source_key = s.key AND t.template_id = a.template_id;

COMMENT ON VIEW bi.anomalies IS 'Anomalies of all published days.';
COMMENT ON COLUMN bi.anomalies.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.anomalies.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.anomalies.day           IS 'Day that the verdict belongs to, in the zone of the source.';
COMMENT ON COLUMN bi.anomalies.anomaly_id    IS 'Found again, the same anomaly has the same id.';
COMMENT ON COLUMN bi.anomalies.detector      IS 'Detector that found it.';
COMMENT ON COLUMN bi.anomalies.kind          IS 'What kind of anomaly it is.';
COMMENT ON COLUMN bi.anomalies.session       IS 'Session or window.';
COMMENT ON COLUMN bi.anomalies.reason        IS 'Why it was flagged, in words.';
COMMENT ON COLUMN bi.anomalies.score         IS 'Score; larger is more anomalous.';
COMMENT ON COLUMN bi.anomalies.threshold     IS 'Score from which on the detector says anomaly.';
COMMENT ON COLUMN bi.anomalies.p_value       IS 'Share of normal sessions that score as high.';
COMMENT ON COLUMN bi.anomalies.rank          IS 'Rank of the key that came among those expected, from 0.';
COMMENT ON COLUMN bi.anomalies.probability   IS 'Probability that the model gave to it.';
COMMENT ON COLUMN bi.anomalies.expected      IS 'What was expected instead, as JSON: key and probability.';
COMMENT ON COLUMN bi.anomalies.event_count   IS 'Events of the session.';
COMMENT ON COLUMN bi.anomalies.first_time    IS 'First event of the session.';
COMMENT ON COLUMN bi.anomalies.last_time     IS 'Last event of the session.';
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
