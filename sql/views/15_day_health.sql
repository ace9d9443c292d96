CREATE OR REPLACE VIEW bi.day_health AS
SELECT
    c.source_key,
    c.source,
    c.day,
    c.state,
    c.reason,
    h.level,
    h.advice,
    h.judged,
    h.unknown_share,
    h.unknown_usual,
    h.alarm_rate,
    h.budget,
    h.p_median,
    h.p_low,
    h.calibration_error,
    c.model_version,
    c.scored_at
FROM bi.days_coverage c
JOIN deeplog.sources s ON s.key = c.source_key
LEFT JOIN deeplog.day_health h ON h.source_id = s.source_id AND h.day = c.day;

COMMENT ON VIEW bi.day_health IS 'Drift: how well each day still fits its model version. A day that was not looked at has its row too, with its state and no numbers.';
COMMENT ON COLUMN bi.day_health.source_key        IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.day_health.source            IS 'Name of the source.';
COMMENT ON COLUMN bi.day_health.day               IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.day_health.state             IS 'not_scored, warming_up, scored, stale or failed.';
COMMENT ON COLUMN bi.day_health.reason            IS 'Why the day is in this state; null for a plain scored day.';
COMMENT ON COLUMN bi.day_health.level             IS 'ok, watch, or train: a new version is advised; null: not measured, which is not ok.';
COMMENT ON COLUMN bi.day_health.advice            IS 'Why, in words; empty where all is well.';
COMMENT ON COLUMN bi.day_health.judged            IS 'Sessions that the numbers are of.';
COMMENT ON COLUMN bi.day_health.unknown_share     IS 'Share of events whose template the version does not know; null, not 0, where it was not measured.';
COMMENT ON COLUMN bi.day_health.unknown_usual     IS 'That share on days of training.';
COMMENT ON COLUMN bi.day_health.alarm_rate        IS 'Share of judged sessions that were flagged: what came of the budget.';
COMMENT ON COLUMN bi.day_health.budget            IS 'Share of normal sessions that the source lets be flagged.';
COMMENT ON COLUMN bi.day_health.p_median          IS 'Median of the p-values of the sessions; 0.5 where calibration holds.';
COMMENT ON COLUMN bi.day_health.p_low             IS 'Share of sessions with a p-value of 0.1 or less; 0.1 where calibration holds.';
COMMENT ON COLUMN bi.day_health.calibration_error IS 'Largest distance of the p-values from a uniform distribution, 0 to 1.';
COMMENT ON COLUMN bi.day_health.model_version     IS 'Model version that scored the day.';
COMMENT ON COLUMN bi.day_health.scored_at         IS 'When its rows were published.';
