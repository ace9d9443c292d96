CREATE OR REPLACE VIEW bi.training_doubts AS
SELECT
    s.key AS source_key,
    s.name AS source,
    q.version AS model_version,
    c.version IS NOT NULL AS champion,
    q.rank,
    q.doubt_id,
    q.kind,
    q.sessions,
    q.share,
    cardinality(q.sequence_ids) AS sequences,
    q.nats,
    q.reason,
    q.day,
    q.session,
    q.first_time,
    q.last_time,
    q.event_count,
    q.file_id,
    q.line_no,
    q.byte_offset,
    q.run_id,
    said.kind AS verdict,
    said.verdict_id,
    said.verdict_id IS NULL AS awaits_answer
FROM deeplog.training_doubts q
JOIN deeplog.sources s ON s.source_id = q.source_id
LEFT JOIN deeplog.champions c ON c.source_id = q.source_id AND c.version = q.version
LEFT JOIN LATERAL (
    SELECT v.kind, v.verdict_id
    FROM deeplog.verdicts v
    WHERE v.source_id = q.source_id AND v.doubt_id = q.doubt_id AND v.scope = 'doubt' AND v.withdrawn_at IS NULL
        AND v.verdict_id <> ALL (q.known_answers) -- a training that asks in spite of an answer could not learn it
    ORDER BY v.verdict_id DESC
    LIMIT 1
) said ON true;

COMMENT ON VIEW bi.training_doubts IS 'What a training would ask a person: groups of its sessions that are unlike the rest and only vouch for each other.';
COMMENT ON COLUMN bi.training_doubts.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.training_doubts.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.training_doubts.model_version IS 'Model version that learnt from them.';
COMMENT ON COLUMN bi.training_doubts.champion      IS 'True: the version that new runs take.';
COMMENT ON COLUMN bi.training_doubts.rank          IS 'From 1: the one whose answer teaches most.';
COMMENT ON COLUMN bi.training_doubts.doubt_id      IS 'The same group has the same id in another version.';
COMMENT ON COLUMN bi.training_doubts.kind          IS 'key_counts: alike in how their counts differ; key_order: in what came at an odd place.';
COMMENT ON COLUMN bi.training_doubts.sessions      IS 'Sessions of the training in the group.';
COMMENT ON COLUMN bi.training_doubts.share         IS 'Of all sessions of the training.';
COMMENT ON COLUMN bi.training_doubts.sequences     IS 'Different sequences among them.';
COMMENT ON COLUMN bi.training_doubts.nats          IS 'How anomalous they are to a model without them, on average; larger is more.';
COMMENT ON COLUMN bi.training_doubts.reason        IS 'How the example differs from sessions in no doubt, in words.';
COMMENT ON COLUMN bi.training_doubts.day           IS 'Day that closed the example, in the zone of the source.';
COMMENT ON COLUMN bi.training_doubts.session       IS 'Name of the example.';
COMMENT ON COLUMN bi.training_doubts.first_time    IS 'First event of the example.';
COMMENT ON COLUMN bi.training_doubts.last_time     IS 'Last event of the example.';
COMMENT ON COLUMN bi.training_doubts.event_count   IS 'Events of the example.';
COMMENT ON COLUMN bi.training_doubts.file_id       IS 'Raw file of the first line of the example, as in bi.files.';
COMMENT ON COLUMN bi.training_doubts.line_no       IS 'Its number in that file, from 1.';
COMMENT ON COLUMN bi.training_doubts.byte_offset   IS 'Its byte offset in the uncompressed file, from 0.';
COMMENT ON COLUMN bi.training_doubts.run_id        IS 'Training run that asks.';
COMMENT ON COLUMN bi.training_doubts.verdict       IS 'What people said of it since that training read their answers: false_positive (it is normal) or true_positive; null: nothing yet.';
COMMENT ON COLUMN bi.training_doubts.verdict_id    IS 'That verdict, the latest that holds, as in bi.verdicts.';
COMMENT ON COLUMN bi.training_doubts.awaits_answer IS 'True: nobody has answered since that training read the answers. The next training heeds what was said.';
