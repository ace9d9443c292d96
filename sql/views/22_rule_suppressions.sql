CREATE OR REPLACE VIEW bi.rule_suppressions AS
SELECT DISTINCT ON (s.key, f.rule, t.root_id, f.template_id, v.verdict_id)
    s.key AS source_key,
    s.name AS source,
    f.rule,
    f.template_id,
    t.root_id,
    t.root_template AS template,
    v.verdict_id,
    v.created_at AS since,
    v.who,
    v.note
FROM deeplog.feedback_findings f
JOIN deeplog.verdicts v ON v.source_id = f.source_id AND v.verdict_id = f.verdict_id
JOIN deeplog.sources s ON s.source_id = f.source_id
LEFT JOIN bi.templates t ON t.source_key = s.key AND t.template_id = f.template_id
WHERE f.detector = 'rules' AND f.normal AND v.scope IN ('anomaly', 'incident') AND v.withdrawn_at IS NULL
ORDER BY s.key, f.rule, t.root_id, f.template_id, v.verdict_id;

COMMENT ON VIEW bi.rule_suppressions IS 'Rules that are not shown for a template, since people called one of their anomalies a false positive. Withdrawing the verdict ends it.';
COMMENT ON COLUMN bi.rule_suppressions.source_key  IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.rule_suppressions.source      IS 'Name of the source.';
COMMENT ON COLUMN bi.rule_suppressions.rule        IS 'Name of the rule.';
COMMENT ON COLUMN bi.rule_suppressions.template_id IS 'Template for which it is not shown.';
COMMENT ON COLUMN bi.rule_suppressions.root_id     IS 'The template that it was merged into since.';
COMMENT ON COLUMN bi.rule_suppressions.template    IS 'Text of that one.';
COMMENT ON COLUMN bi.rule_suppressions.verdict_id  IS 'The verdict, as in bi.verdicts.';
COMMENT ON COLUMN bi.rule_suppressions.since       IS 'When it was said.';
COMMENT ON COLUMN bi.rule_suppressions.who         IS 'Who said it.';
COMMENT ON COLUMN bi.rule_suppressions.note        IS 'Why, in their words.';
