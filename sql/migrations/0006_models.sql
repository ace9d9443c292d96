CREATE TABLE deeplog.models (
    source_id         integer     NOT NULL REFERENCES deeplog.sources,
    version           text        NOT NULL,
    state             text        NOT NULL DEFAULT 'available' CHECK (state IN ('available', 'deleted')),
    path              text        NOT NULL,
    metrics           jsonb       NOT NULL DEFAULT '{}',
    training_days     date[]      NOT NULL DEFAULT '{}',
    parent            text,
    seed              bigint,
    library_versions  jsonb       NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL DEFAULT now(),
    created_by        text        NOT NULL,
    PRIMARY KEY (source_id, version)
);

COMMENT ON TABLE  deeplog.models                  IS 'Model versions of the registry. A version never changes; a deleted one keeps this row.';
COMMENT ON COLUMN deeplog.models.source_id        IS 'Source.';
COMMENT ON COLUMN deeplog.models.version          IS 'Hash of what the version holds.';
COMMENT ON COLUMN deeplog.models.state            IS 'available, or deleted by maintenance.';
COMMENT ON COLUMN deeplog.models.path             IS 'Folder below the root of the registry.';
COMMENT ON COLUMN deeplog.models.metrics          IS 'What training measured.';
COMMENT ON COLUMN deeplog.models.training_days    IS 'Days that it was trained on, ascending.';
COMMENT ON COLUMN deeplog.models.parent           IS 'Version whose catalogue it goes on from; null for the first.';
COMMENT ON COLUMN deeplog.models.seed             IS 'Seed of its training.';
COMMENT ON COLUMN deeplog.models.library_versions IS 'Libraries that it was trained with.';
COMMENT ON COLUMN deeplog.models.created_at       IS 'When it was registered.';
COMMENT ON COLUMN deeplog.models.created_by       IS 'The run, or the person, that trained it.';


CREATE TABLE deeplog.champions (
    source_id integer NOT NULL PRIMARY KEY REFERENCES deeplog.sources,
    version   text    NOT NULL,
    FOREIGN KEY (source_id, version) REFERENCES deeplog.models
);

COMMENT ON TABLE  deeplog.champions           IS 'The version that new runs of a source take.';
COMMENT ON COLUMN deeplog.champions.source_id IS 'Source.';
COMMENT ON COLUMN deeplog.champions.version   IS 'Its champion.';


CREATE TABLE deeplog.champion_audit (
    audit_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id integer     NOT NULL REFERENCES deeplog.sources,
    version   text        NOT NULL,
    previous  text,
    action    text        NOT NULL CHECK (action IN ('promote', 'revert')),
    who       text        NOT NULL,
    why       text        NOT NULL,
    at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX champion_audit_source ON deeplog.champion_audit (source_id, audit_id);

COMMENT ON TABLE  deeplog.champion_audit           IS 'Every change of a champion, in order.';
COMMENT ON COLUMN deeplog.champion_audit.audit_id  IS 'Order of the changes.';
COMMENT ON COLUMN deeplog.champion_audit.source_id IS 'Source.';
COMMENT ON COLUMN deeplog.champion_audit.version   IS 'Champion after the change.';
COMMENT ON COLUMN deeplog.champion_audit.previous  IS 'Champion before it; null: there was none.';
COMMENT ON COLUMN deeplog.champion_audit.action    IS 'promote or revert.';
COMMENT ON COLUMN deeplog.champion_audit.who       IS 'Person or run that did it.';
COMMENT ON COLUMN deeplog.champion_audit.why       IS 'Reason given.';
COMMENT ON COLUMN deeplog.champion_audit.at        IS 'When.';
