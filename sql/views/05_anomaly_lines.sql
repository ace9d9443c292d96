CREATE OR REPLACE VIEW bi.anomaly_lines AS
SELECT
    s.key AS source_key,
    s.name AS source,
    l.day,
    l.anomaly_id,
    l.ordinal,
    l.time,
    l.text,
    l.is_worst,
    l.of_session,
    l.template_id,
    l.file_id,
    f.path,
    l.line_no,
    l.byte_offset
FROM deeplog.anomaly_lines l
JOIN deeplog.sources s ON s.source_id = l.source_id
LEFT JOIN LATERAL (
    SELECT path
    FROM deeplog.raw_files
    WHERE source_id = l.source_id AND file_id = l.file_id
    ORDER BY (duplicate_of IS NOT NULL), last_seen_at DESC, path
    LIMIT 1
) f ON true;

COMMENT ON VIEW bi.anomaly_lines IS 'The raw lines of an anomaly and a few around them, bounded.';
COMMENT ON COLUMN bi.anomaly_lines.source_key  IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.anomaly_lines.source      IS 'Name of the source.';
COMMENT ON COLUMN bi.anomaly_lines.day         IS 'Day of the anomaly.';
COMMENT ON COLUMN bi.anomaly_lines.anomaly_id  IS 'Anomaly.';
COMMENT ON COLUMN bi.anomaly_lines.ordinal     IS 'Place among the lines shown, from 0.';
COMMENT ON COLUMN bi.anomaly_lines.time        IS 'Time of the line; null: it has none.';
COMMENT ON COLUMN bi.anomaly_lines.text        IS 'The line, redacted and shortened.';
COMMENT ON COLUMN bi.anomaly_lines.is_worst    IS 'True on the line that the anomaly points at.';
COMMENT ON COLUMN bi.anomaly_lines.of_session  IS 'False: a neighbour in the file, shown for context.';
COMMENT ON COLUMN bi.anomaly_lines.template_id IS 'Template of the line.';
COMMENT ON COLUMN bi.anomaly_lines.file_id     IS 'Raw file, by the fingerprint of its head.';
COMMENT ON COLUMN bi.anomaly_lines.path        IS 'Where that file was seen last.';
COMMENT ON COLUMN bi.anomaly_lines.line_no     IS 'Line number in the file, from 1.';
COMMENT ON COLUMN bi.anomaly_lines.byte_offset IS 'Byte offset in the uncompressed file, from 0.';
