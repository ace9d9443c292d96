SELECT
    day,
    state,
    reason,
    model_version,
    events,
    sessions_judged,
    sessions_open,
    anomalies,
    anomalies_published,
    quarantined,
    scored_at,
    stale_since,
    run_id
FROM bi.days_coverage
WHERE source_key = :source_key
    AND (CAST(:first AS date) IS NULL OR day >= :first)
    AND (CAST(:last AS date) IS NULL OR day <= :last)
ORDER BY day
