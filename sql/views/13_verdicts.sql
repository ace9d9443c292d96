CREATE OR REPLACE VIEW bi.verdicts AS
SELECT
    s.key AS source_key,
    s.name AS source,
    v.verdict_id,
    v.kind AS verdict,
    v.scope,
    CASE
        WHEN v.withdrawn_at IS NOT NULL THEN 'withdrawn'
        WHEN v.until < current_date THEN 'over'
        ELSE 'holds'
    END AS state,
    v.created_at,
    v.who,
    v.note,
    v.until,
    v.day,
    v.anomaly_id,
    v.fingerprint,
    v.template_id,
    t.root_id,
    t.root_template AS template,
    v.session_like,
    v.session_regex,
    kept.sessions AS sessions_kept,
    v.withdrawn_at,
    v.withdrawn_by,
    v.doubt_id,
    v.doubt_kind
FROM deeplog.verdicts v
JOIN deeplog.sources s ON s.source_id = v.source_id
LEFT JOIN bi.templates t ON t.source_key = s.key AND t.template_id = v.template_id
LEFT JOIN LATERAL (
    SELECT count(*) AS sessions
    FROM deeplog.feedback_sessions f
    WHERE f.source_id = v.source_id AND f.verdict_id = v.verdict_id AND f.keys IS NOT NULL
) kept ON true;

COMMENT ON VIEW bi.verdicts IS 'What people said, and what they took back. Days scored before and after are both subject to it.';
COMMENT ON COLUMN bi.verdicts.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.verdicts.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.verdicts.verdict_id    IS 'Number of the verdict.';
COMMENT ON COLUMN bi.verdicts.verdict       IS 'false_positive (learnt as normal for good), true_positive (kept out of training), expected (until a day), or mute.';
COMMENT ON COLUMN bi.verdicts.scope         IS 'What it is about: anomaly, incident, template, session, or doubt of a training.';
COMMENT ON COLUMN bi.verdicts.state         IS 'holds; over: the last day that it applies to is past; withdrawn.';
COMMENT ON COLUMN bi.verdicts.created_at    IS 'When it was said.';
COMMENT ON COLUMN bi.verdicts.who           IS 'Who said it.';
COMMENT ON COLUMN bi.verdicts.note          IS 'Why, in their words.';
COMMENT ON COLUMN bi.verdicts.until         IS 'Last day of anomalies that it applies to; null: all days.';
COMMENT ON COLUMN bi.verdicts.day           IS 'Day of the anomaly that it is about.';
COMMENT ON COLUMN bi.verdicts.anomaly_id    IS 'That anomaly.';
COMMENT ON COLUMN bi.verdicts.fingerprint   IS 'Fingerprint of the incidents that it is about, on whatever day.';
COMMENT ON COLUMN bi.verdicts.template_id   IS 'Template that it is about, as it was named.';
COMMENT ON COLUMN bi.verdicts.root_id       IS 'The template that it was merged into since.';
COMMENT ON COLUMN bi.verdicts.template      IS 'Text of that one.';
COMMENT ON COLUMN bi.verdicts.session_like  IS 'Pattern of LIKE for the names of the sessions that it is about.';
COMMENT ON COLUMN bi.verdicts.session_regex IS 'Regular expression for the names of the sessions that it is about.';
COMMENT ON COLUMN bi.verdicts.sessions_kept IS 'Sessions kept for training beyond the retention of the lake.';
COMMENT ON COLUMN bi.verdicts.withdrawn_at  IS 'When it was taken back; null: it was not.';
COMMENT ON COLUMN bi.verdicts.withdrawn_by  IS 'Who took it back.';
COMMENT ON COLUMN bi.verdicts.doubt_id      IS 'Doubt of a training that it answers, as in bi.training_doubts.';
COMMENT ON COLUMN bi.verdicts.doubt_kind    IS 'Kind of that doubt.';
