CREATE OR REPLACE VIEW bi.workflow_nodes AS
SELECT
    s.key AS source_key,
    s.name AS source,
    n.version AS model_version,
    c.version IS NOT NULL AS champion,
    n.method,
    n.workflow,
    n.node_id,
    n.template_id,
    t.template,
    t.root_id,
    n.count
FROM deeplog.workflow_nodes n
JOIN deeplog.sources s ON s.source_id = n.source_id
LEFT JOIN deeplog.champions c ON c.source_id = n.source_id AND c.version = n.version
LEFT JOIN bi.templates t ON t.source_key = s.key AND t.template_id = n.template_id;

COMMENT ON VIEW bi.workflow_nodes IS 'Steps of the workflows that training found, a set for each model version and method.';
COMMENT ON COLUMN bi.workflow_nodes.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.workflow_nodes.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.workflow_nodes.model_version IS 'Model version.';
COMMENT ON COLUMN bi.workflow_nodes.champion      IS 'True: the version that new runs take.';
COMMENT ON COLUMN bi.workflow_nodes.method        IS 'predictions: from those of the key model; cooccurrence: from how keys follow each other.';
COMMENT ON COLUMN bi.workflow_nodes.workflow      IS 'Number of the workflow within its version and method, from 0: one for each task.';
COMMENT ON COLUMN bi.workflow_nodes.node_id       IS 'Name of the step within its workflow; a template may be at several.';
COMMENT ON COLUMN bi.workflow_nodes.template_id   IS 'Template that is written there; null: begin or end.';
COMMENT ON COLUMN bi.workflow_nodes.template      IS 'Its text.';
COMMENT ON COLUMN bi.workflow_nodes.root_id       IS 'The template that it was merged into since.';
COMMENT ON COLUMN bi.workflow_nodes.count         IS 'Events of the training that stand there.';
