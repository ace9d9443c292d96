SELECT
    path,
    file_id,
    lines_read,
    events,
    joined,
    blank,
    quarantined,
    other_days,
    note
FROM bi.line_accounts
WHERE source_key = :source_key AND day = :day
ORDER BY path, file_id
