CREATE OR REPLACE VIEW bi.files AS
SELECT
    s.key AS source_key,
    s.name AS source,
    f.file_id,
    f.path,
    f.size,
    f.compression,
    f.modified,
    f.first_time,
    f.last_time,
    f.lines,
    f.duplicate_of,
    f.first_seen_at,
    f.last_seen_at
FROM deeplog.raw_files f
JOIN deeplog.sources s ON s.source_id = f.source_id;

COMMENT ON VIEW bi.files IS 'Raw files as last seen, one row a path.';
COMMENT ON COLUMN bi.files.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.files.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.files.file_id       IS 'Fingerprint of the uncompressed head: a rotated or compressed file keeps it.';
COMMENT ON COLUMN bi.files.path          IS 'Path or address.';
COMMENT ON COLUMN bi.files.size          IS 'Bytes on disk.';
COMMENT ON COLUMN bi.files.compression   IS 'gzip, bz2, xz or zstd; null for a plain file.';
COMMENT ON COLUMN bi.files.modified      IS 'Last change of the file.';
COMMENT ON COLUMN bi.files.first_time    IS 'Earliest time in it, where known.';
COMMENT ON COLUMN bi.files.last_time     IS 'Latest time in it, where known.';
COMMENT ON COLUMN bi.files.lines         IS 'Lines that the last complete reading found.';
COMMENT ON COLUMN bi.files.duplicate_of  IS 'Path of the file that was read in its place, where this is a second copy.';
COMMENT ON COLUMN bi.files.first_seen_at IS 'When a run first saw it under this path.';
COMMENT ON COLUMN bi.files.last_seen_at  IS 'When a run last saw it under this path.';
