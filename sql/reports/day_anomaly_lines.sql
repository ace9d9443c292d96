SELECT
    anomaly_id,
    ordinal,
    time,
    text,
    is_worst,
    of_session,
    template_id,
    path,
    file_id,
    line_no,
    byte_offset
FROM bi.anomaly_lines
WHERE source_key = :source_key AND day = :day AND anomaly_id = ANY(:anomaly_ids)
ORDER BY anomaly_id, ordinal
