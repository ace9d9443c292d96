CREATE TABLE deeplog.workflow_nodes (
    source_id   integer NOT NULL,
    version     text    NOT NULL,
    method      text    NOT NULL CHECK (method IN ('predictions', 'cooccurrence')),
    workflow    integer NOT NULL,
    node_id     text    NOT NULL,
    template_id text,
    count       bigint  NOT NULL CHECK (count >= 0),
    PRIMARY KEY (source_id, version, method, workflow, node_id),
    FOREIGN KEY (source_id, version) REFERENCES deeplog.models
);

COMMENT ON TABLE  deeplog.workflow_nodes             IS 'Steps of the workflows that training found, a set for each model version and method.';
COMMENT ON COLUMN deeplog.workflow_nodes.source_id   IS 'Source.';
COMMENT ON COLUMN deeplog.workflow_nodes.version     IS 'Model version.';
COMMENT ON COLUMN deeplog.workflow_nodes.method      IS 'predictions: from those of the key model; cooccurrence: from how keys follow each other.';
COMMENT ON COLUMN deeplog.workflow_nodes.workflow    IS 'Number of the workflow within its version and method, from 0: one for each task.';
COMMENT ON COLUMN deeplog.workflow_nodes.node_id     IS 'Name of the step within its workflow; a template may be at several.';
COMMENT ON COLUMN deeplog.workflow_nodes.template_id IS 'Template that is written there; null: begin or end.';
COMMENT ON COLUMN deeplog.workflow_nodes.count       IS 'Events of the training that stand there.';


CREATE TABLE deeplog.workflow_edges (
    source_id   integer NOT NULL,
    version     text    NOT NULL,
    method      text    NOT NULL,
    workflow    integer NOT NULL,
    source      text    NOT NULL,
    target      text    NOT NULL,
    kind        text    NOT NULL,
    count       bigint  NOT NULL CHECK (count >= 0),
    probability double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    PRIMARY KEY (source_id, version, method, workflow, source, target),
    FOREIGN KEY (source_id, version, method, workflow, source) REFERENCES deeplog.workflow_nodes,
    FOREIGN KEY (source_id, version, method, workflow, target) REFERENCES deeplog.workflow_nodes
);

COMMENT ON TABLE  deeplog.workflow_edges             IS 'Which step may follow which.';
COMMENT ON COLUMN deeplog.workflow_edges.source_id   IS 'Source of the logs.';
COMMENT ON COLUMN deeplog.workflow_edges.version     IS 'Model version.';
COMMENT ON COLUMN deeplog.workflow_edges.method      IS 'predictions or cooccurrence.';
COMMENT ON COLUMN deeplog.workflow_edges.workflow    IS 'Number of the workflow within its version and method.';
COMMENT ON COLUMN deeplog.workflow_edges.source      IS 'Step that it leads from.';
COMMENT ON COLUMN deeplog.workflow_edges.target      IS 'Step that it leads to.';
COMMENT ON COLUMN deeplog.workflow_edges.kind        IS 'next, choice, fork, join, loop or new_task.';
COMMENT ON COLUMN deeplog.workflow_edges.count       IS 'How often training sessions took it.';
COMMENT ON COLUMN deeplog.workflow_edges.probability IS 'Share of the times at its first step that went this way.';
