SELECT
    run_id,
    kind,
    day,
    state,
    trigger,
    model_version,
    live,
    started_at,
    finished_at,
    seconds,
    peak_memory_mb,
    retries,
    error
FROM bi.runs
WHERE source_key = :source_key
ORDER BY run_id DESC
LIMIT :limit
