CREATE OR REPLACE VIEW bi.workflow_edges AS
SELECT
    s.key AS source_key,
    s.name AS source,
    e.version AS model_version,
    c.version IS NOT NULL AS champion,
    e.method,
    e.workflow,
    e.source AS from_node,
    e.target AS to_node,
    e.kind,
    e.count,
    e.probability,
    f.template_id AS from_template_id,
    f.template AS from_template,
    t.template_id AS to_template_id,
    t.template AS to_template
FROM deeplog.workflow_edges e
JOIN deeplog.sources s ON s.source_id = e.source_id
LEFT JOIN deeplog.champions c ON c.source_id = e.source_id AND c.version = e.version
LEFT JOIN bi.workflow_nodes f ON f.source_key = s.key AND f.model_version = e.version
    AND f.method = e.method AND f.workflow = e.workflow AND f.node_id = e.source
LEFT JOIN bi.workflow_nodes t ON t.source_key = s.key AND t.model_version = e.version
    AND t.method = e.method AND t.workflow = e.workflow AND t.node_id = e.target;

COMMENT ON VIEW bi.workflow_edges IS 'Which step of a workflow may follow which, with the texts of both.';
COMMENT ON COLUMN bi.workflow_edges.source_key       IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.workflow_edges.source           IS 'Name of the source.';
COMMENT ON COLUMN bi.workflow_edges.model_version    IS 'Model version.';
COMMENT ON COLUMN bi.workflow_edges.champion         IS 'True: the version that new runs take.';
COMMENT ON COLUMN bi.workflow_edges.method           IS 'predictions or cooccurrence.';
COMMENT ON COLUMN bi.workflow_edges.workflow         IS 'Number of the workflow within its version and method.';
COMMENT ON COLUMN bi.workflow_edges.from_node        IS 'Step that it leads from.';
COMMENT ON COLUMN bi.workflow_edges.to_node          IS 'Step that it leads to.';
COMMENT ON COLUMN bi.workflow_edges.kind             IS 'next, choice, fork, join, loop or new_task.';
COMMENT ON COLUMN bi.workflow_edges.count            IS 'How often training sessions took it.';
COMMENT ON COLUMN bi.workflow_edges.probability      IS 'Share of the times at its first step that went this way.';
COMMENT ON COLUMN bi.workflow_edges.from_template_id IS 'Template of the step that it leads from; null: the beginning.';
COMMENT ON COLUMN bi.workflow_edges.from_template    IS 'Its text.';
COMMENT ON COLUMN bi.workflow_edges.to_template_id   IS 'Template of the step that it leads to; null: the end.';
COMMENT ON COLUMN bi.workflow_edges.to_template      IS 'Its text.';
