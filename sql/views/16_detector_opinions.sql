CREATE OR REPLACE VIEW bi.detector_opinions AS
SELECT
    s.key AS source_key,
    s.name AS source,
    o.day,
    o.detector,
    o.enabled,
    o.judged,
    o.flagged,
    o.agreed_with_verdict,
    d.state AS day_state,
    d.version AS model_version
FROM deeplog.detector_opinions o
JOIN deeplog.sources s ON s.source_id = o.source_id
JOIN deeplog.days d ON d.source_id = o.source_id AND d.day = o.day;

COMMENT ON VIEW bi.detector_opinions IS 'What each detector said of a day, those too that give no alarms.';
COMMENT ON COLUMN bi.detector_opinions.source_key          IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.detector_opinions.source              IS 'Name of the source.';
COMMENT ON COLUMN bi.detector_opinions.day                 IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.detector_opinions.detector            IS 'Name of the detector.';
COMMENT ON COLUMN bi.detector_opinions.enabled             IS 'True: what it flags is an anomaly of the day; false: an opinion for comparison.';
COMMENT ON COLUMN bi.detector_opinions.judged              IS 'Sessions, or windows, that it looked at.';
COMMENT ON COLUMN bi.detector_opinions.flagged             IS 'Of these, the ones that it calls anomalies.';
COMMENT ON COLUMN bi.detector_opinions.agreed_with_verdict IS 'Of these, the ones that the verdict of the day calls so too.';
COMMENT ON COLUMN bi.detector_opinions.day_state           IS 'State of the day.';
COMMENT ON COLUMN bi.detector_opinions.model_version       IS 'Model version that scored the day.';
