-- What bi.anomalies says in verdict_id, looked up for one anomaly after another: slow, and plain to read.
WITH RECURSIVE merged (source_id, template_id, root_id) AS (
    SELECT source_id, template_id, template_id FROM deeplog.templates WHERE alias_of IS NULL
    UNION ALL
    SELECT t.source_id, t.template_id, merged.root_id
    FROM merged
    JOIN deeplog.templates t ON t.source_id = merged.source_id AND t.alias_of = merged.template_id
), root AS (
    SELECT source_id, template_id, root_id FROM merged
    UNION
    SELECT v.source_id, v.template_id, v.template_id
    FROM deeplog.verdicts v
    WHERE v.template_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM merged m WHERE (m.source_id, m.template_id) = (v.source_id, v.template_id))
)
SELECT a.source_id, a.day, a.anomaly_id, said.verdict_id, said.kind
FROM deeplog.anomalies a
LEFT JOIN root ON root.source_id = a.source_id AND root.template_id = a.template_id
LEFT JOIN LATERAL (
    SELECT found.verdict_id, found.kind
    FROM (
        SELECT 1 AS distance, v.*
        FROM deeplog.verdicts v
        WHERE v.scope = 'anomaly' AND v.day = a.day AND v.anomaly_id = a.anomaly_id
        UNION ALL
        SELECT 2, v.*
        FROM deeplog.verdicts v
        JOIN deeplog.incidents i ON i.source_id = v.source_id AND i.fingerprint = v.fingerprint
        WHERE v.scope = 'incident' AND (i.source_id, i.day, i.incident_id) = (a.source_id, a.day, a.incident_id)
        UNION ALL
        SELECT 3, v.*
        FROM deeplog.verdicts v
        WHERE v.scope = 'session' AND (a.session LIKE v.session_like OR a.session ~ v.session_regex)
        UNION ALL
        SELECT 4, v.*
        FROM deeplog.verdicts v
        JOIN root of_verdict ON of_verdict.source_id = v.source_id AND of_verdict.template_id = v.template_id
        WHERE v.scope = 'template' AND of_verdict.root_id = root.root_id
        UNION ALL
        SELECT 5, v.*
        FROM deeplog.feedback_findings f
        JOIN deeplog.verdicts v ON v.verdict_id = f.verdict_id AND v.scope IN ('anomaly', 'incident')
        JOIN root of_rule ON of_rule.source_id = f.source_id AND of_rule.template_id = f.template_id
        WHERE f.normal AND f.detector = 'rules' AND a.detector = 'rules'
            AND f.rule = split_part(a.locator, ':', 1) AND of_rule.root_id = root.root_id
    ) found
    WHERE found.source_id = a.source_id AND found.withdrawn_at IS NULL
        AND (found.until IS NULL OR found.until >= a.day)
    ORDER BY found.distance, found.verdict_id DESC
    LIMIT 1
) said ON true
