CREATE OR REPLACE VIEW bi.template_counts AS
SELECT
    s.key AS source_key,
    s.name AS source,
    c.day,
    coalesce(t.root_id, c.template_id) AS template_id,
    t.root_template AS template,
    sum(c.events)::bigint AS events
FROM deeplog.template_counts c
JOIN deeplog.sources s ON s.source_id = c.source_id
LEFT JOIN bi.templates t ON t.source_key = s.key AND t.template_id = c.template_id
GROUP BY s.key, s.name, c.day, coalesce(t.root_id, c.template_id), t.root_template;

COMMENT ON VIEW bi.template_counts IS 'Events of a day by template, merged templates counted under the one they were merged into.';
COMMENT ON COLUMN bi.template_counts.source_key  IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.template_counts.source      IS 'Name of the source.';
COMMENT ON COLUMN bi.template_counts.day         IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.template_counts.template_id IS 'Template, after aliases.';
COMMENT ON COLUMN bi.template_counts.template    IS 'Its text.';
COMMENT ON COLUMN bi.template_counts.events      IS 'Number of events.';
