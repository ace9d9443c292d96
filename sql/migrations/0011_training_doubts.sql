-- What a training could not decide: groups of its sessions that only vouch for each other. A person answers by a verdict.

CREATE TABLE deeplog.training_doubts (
    source_id    integer          NOT NULL,
    version      text             NOT NULL,
    rank         integer          NOT NULL CHECK (rank > 0),
    doubt_id     text             NOT NULL,
    kind         text             NOT NULL CHECK (kind IN ('key_counts', 'key_order')),
    sessions     bigint           NOT NULL CHECK (sessions > 0),
    share        double precision NOT NULL CHECK (share > 0 AND share <= 1),
    nats         double precision NOT NULL,
    reason       text             NOT NULL,
    run_id       bigint           NOT NULL REFERENCES deeplog.runs ON DELETE CASCADE,
    sequence_ids text[]           NOT NULL CHECK (cardinality(sequence_ids) > 0),
    day          date             NOT NULL,
    session      text             NOT NULL,
    first_time   timestamptz,
    last_time    timestamptz,
    event_count  bigint           NOT NULL,
    file_id      text             NOT NULL,
    line_no      bigint           NOT NULL,
    byte_offset  bigint           NOT NULL,
    PRIMARY KEY (source_id, version, rank),
    UNIQUE (source_id, version, doubt_id),
    FOREIGN KEY (source_id, version) REFERENCES deeplog.models
);
CREATE INDEX training_doubts_id ON deeplog.training_doubts (source_id, doubt_id);

COMMENT ON TABLE  deeplog.training_doubts              IS 'Groups of training sessions that are unlike the rest and only vouch for each other, a list for each model version.';
COMMENT ON COLUMN deeplog.training_doubts.source_id    IS 'Source.';
COMMENT ON COLUMN deeplog.training_doubts.version      IS 'Model version that learnt from them.';
COMMENT ON COLUMN deeplog.training_doubts.rank         IS 'From 1: the one whose answer teaches most.';
COMMENT ON COLUMN deeplog.training_doubts.doubt_id     IS 'Hash of the source and of the sequences of the group: the same group has the same id in another version.';
COMMENT ON COLUMN deeplog.training_doubts.kind         IS 'key_counts: alike in how their counts differ; key_order: in what came at an odd place.';
COMMENT ON COLUMN deeplog.training_doubts.sessions     IS 'Sessions of the training in the group.';
COMMENT ON COLUMN deeplog.training_doubts.share        IS 'Of all sessions of the training.';
COMMENT ON COLUMN deeplog.training_doubts.nats         IS 'How anomalous they are to a model without them, on average.';
COMMENT ON COLUMN deeplog.training_doubts.reason       IS 'How the example differs from sessions in no doubt, in words.';
COMMENT ON COLUMN deeplog.training_doubts.run_id       IS 'Training run, whose stages have the sessions as long as the lake keeps them.';
COMMENT ON COLUMN deeplog.training_doubts.sequence_ids IS 'Hashes of the sequences of the group, as the stage sessions of the run has them.';
COMMENT ON COLUMN deeplog.training_doubts.day          IS 'Day that closed the example.';
COMMENT ON COLUMN deeplog.training_doubts.session      IS 'Name of the example, the latest session with the commonest sequence of the group.';
COMMENT ON COLUMN deeplog.training_doubts.first_time   IS 'First event of the example.';
COMMENT ON COLUMN deeplog.training_doubts.last_time    IS 'Last event of the example.';
COMMENT ON COLUMN deeplog.training_doubts.event_count  IS 'Events of the example.';
COMMENT ON COLUMN deeplog.training_doubts.file_id      IS 'Raw file of the first line of the example.';
COMMENT ON COLUMN deeplog.training_doubts.line_no      IS 'Its number in that file, from 1.';
COMMENT ON COLUMN deeplog.training_doubts.byte_offset  IS 'Its byte offset in the uncompressed file, from 0.';


ALTER TABLE deeplog.verdicts ADD COLUMN doubt_id text;
ALTER TABLE deeplog.verdicts ADD COLUMN doubt_kind text CHECK (doubt_kind IN ('key_counts', 'key_order'));
ALTER TABLE deeplog.verdicts DROP CONSTRAINT verdicts_scope_check;
ALTER TABLE deeplog.verdicts ADD CONSTRAINT verdicts_scope_check
    CHECK (scope IN ('anomaly', 'incident', 'template', 'session', 'doubt'));
ALTER TABLE deeplog.verdicts DROP CONSTRAINT says_of_one_thing;
ALTER TABLE deeplog.verdicts ADD CONSTRAINT says_of_one_thing CHECK (
    num_nonnulls(doubt_id, doubt_kind) = CASE scope WHEN 'doubt' THEN 2 ELSE 0 END
    AND CASE scope
        WHEN 'anomaly'  THEN day IS NOT NULL AND anomaly_id IS NOT NULL AND num_nonnulls(fingerprint, template_id, session_like, session_regex) = 0
        WHEN 'incident' THEN fingerprint IS NOT NULL AND num_nonnulls(day, anomaly_id, template_id, session_like, session_regex) = 0
        WHEN 'template' THEN template_id IS NOT NULL AND num_nonnulls(day, anomaly_id, fingerprint, session_like, session_regex) = 0
        WHEN 'session'  THEN num_nonnulls(session_like, session_regex) = 1 AND num_nonnulls(day, anomaly_id, fingerprint, template_id) = 0
        ELSE kind IN ('false_positive', 'true_positive') AND num_nonnulls(day, anomaly_id, fingerprint, template_id, session_like, session_regex) = 0
    END);
CREATE INDEX verdicts_doubt ON deeplog.verdicts (source_id, doubt_id) WHERE scope = 'doubt' AND withdrawn_at IS NULL;

COMMENT ON COLUMN deeplog.verdicts.scope      IS 'What it is about: anomaly, incident, template, session, or doubt of a training.';
COMMENT ON COLUMN deeplog.verdicts.doubt_id   IS 'Doubt of a training, as in training_doubts.';
COMMENT ON COLUMN deeplog.verdicts.doubt_kind IS 'Its kind: what is alike has the same counts (key_counts), or the same sequence (key_order).';
