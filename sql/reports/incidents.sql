SELECT
    source,
    day,
    incident_id,
    status,
    severity,
    severity_now,
    kind,
    title,
    reason,
    anomalies,
    sessions,
    first_time,
    last_time,
    first_day,
    last_day,
    days_seen,
    status_then,
    verdict,
    shown,
    anomalies_hidden,
    deploy,
    deploy_at,
    fingerprint,
    worst_anomaly_id,
    details,
    day_state,
    model_version
FROM bi.incidents
WHERE source_key = :source_key
    AND (CAST(:day AS date) IS NULL OR day = :day)
    AND (CAST(:incident_id AS text) IS NULL OR incident_id = :incident_id)
    AND (shown OR :hidden)
ORDER BY day DESC, severity_now DESC, severity DESC, incident_id
LIMIT :limit
