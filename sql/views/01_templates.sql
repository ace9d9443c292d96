CREATE OR REPLACE VIEW bi.templates AS
WITH RECURSIVE chain (source_id, template_id, root_id, depth) AS (
    SELECT source_id, template_id, alias_of, 1
    FROM deeplog.templates
    WHERE alias_of IS NOT NULL
    UNION ALL
    SELECT chain.source_id, chain.template_id, t.alias_of, chain.depth + 1
    FROM chain
    JOIN deeplog.templates t ON t.source_id = chain.source_id AND t.template_id = chain.root_id
    WHERE t.alias_of IS NOT NULL AND chain.depth < 100
), merged AS (
    SELECT DISTINCT ON (source_id, template_id) source_id, template_id, root_id
    FROM chain
    ORDER BY source_id, template_id, depth DESC
)
SELECT
    s.key AS source_key,
    s.name AS source,
    t.template_id,
    t.text AS template,
    t.first_day,
    coalesce(merged.root_id, t.template_id) AS root_id,
    coalesce(root.text, t.text) AS root_template
FROM deeplog.templates t
JOIN deeplog.sources s ON s.source_id = t.source_id
LEFT JOIN merged ON merged.source_id = t.source_id AND merged.template_id = t.template_id
LEFT JOIN deeplog.templates root ON root.source_id = merged.source_id AND root.template_id = merged.root_id;

COMMENT ON VIEW bi.templates IS 'Templates with what training merged them into.';
COMMENT ON COLUMN bi.templates.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.templates.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.templates.template_id   IS 'Hash of the text.';
COMMENT ON COLUMN bi.templates.template      IS 'The message with its variable parts as <*>.';
COMMENT ON COLUMN bi.templates.first_day     IS 'Earliest day known to hold it.';
COMMENT ON COLUMN bi.templates.root_id       IS 'The template that it was merged into in the end; its own id where it was not.';
COMMENT ON COLUMN bi.templates.root_template IS 'Text of that template.';
