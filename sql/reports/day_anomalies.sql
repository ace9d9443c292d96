SELECT
    anomaly_id,
    detector,
    kind,
    session,
    reason,
    score,
    threshold,
    p_value,
    rank,
    probability,
    expected,
    event_count,
    first_time,
    last_time,
    template_id,
    template,
    file_id,
    line_no,
    byte_offset,
    model_version,
    details,
    incident_id,
    verdict,
    shown
FROM bi.anomalies
WHERE source_key = :source_key AND day = :day
    AND (CAST(:incident_id AS text) IS NULL OR incident_id = :incident_id)
    AND (shown OR :hidden)
ORDER BY score DESC, anomaly_id
LIMIT :limit
