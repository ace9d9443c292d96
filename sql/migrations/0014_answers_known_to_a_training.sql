-- An answer that a training knew and asks in spite of could not be learnt: it is named, since times tell nothing. A run that
-- is cleared and run again keeps the time at which it first began, and reads what was said since.

ALTER TABLE deeplog.training_doubts ADD COLUMN known_answers bigint[] NOT NULL DEFAULT '{}';

UPDATE deeplog.training_doubts q
SET known_answers = known.verdict_ids
FROM (
    SELECT d.source_id, d.version, d.rank, array_agg(v.verdict_id ORDER BY v.verdict_id) AS verdict_ids
    FROM deeplog.training_doubts d
    JOIN deeplog.runs r ON r.run_id = d.run_id
    JOIN deeplog.verdicts v ON v.source_id = d.source_id AND v.doubt_id = d.doubt_id AND v.scope = 'doubt'
    WHERE v.created_at < r.started_at
    GROUP BY d.source_id, d.version, d.rank
) known
WHERE (q.source_id, q.version, q.rank) = (known.source_id, known.version, known.rank);

COMMENT ON COLUMN deeplog.training_doubts.known_answers IS 'Verdicts on this doubt that held when the training read what people said, in order: it asks in spite of them.';


-- A training that cannot ask is done all the same, and its version stands: why it asks nothing is kept with it.

ALTER TABLE deeplog.models ADD COLUMN doubts_error text;

COMMENT ON COLUMN deeplog.models.doubts_error IS 'Why its training could not say what it is in doubt of; null: it could, or never tried.';
