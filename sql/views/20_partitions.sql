CREATE OR REPLACE VIEW bi.partitions AS
SELECT
    s.key AS source_key,
    s.name AS source,
    r.day,
    p.run_id,
    p.stage,
    p.path,
    p.rows,
    p.bytes,
    p.committed_at
FROM deeplog.partitions p
JOIN deeplog.runs r ON r.run_id = p.run_id
JOIN deeplog.sources s ON s.source_id = r.source_id;

COMMENT ON VIEW bi.partitions IS 'What of the lake is live: what no row here names is garbage.';
COMMENT ON COLUMN bi.partitions.source_key   IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.partitions.source       IS 'Name of the source.';
COMMENT ON COLUMN bi.partitions.day          IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.partitions.run_id       IS 'Run that wrote it.';
COMMENT ON COLUMN bi.partitions.stage        IS 'Stage that wrote it.';
COMMENT ON COLUMN bi.partitions.path         IS 'Folder below the root of the lake.';
COMMENT ON COLUMN bi.partitions.rows         IS 'Rows in its files.';
COMMENT ON COLUMN bi.partitions.bytes        IS 'Bytes of its files.';
COMMENT ON COLUMN bi.partitions.committed_at IS 'When it went live.';
