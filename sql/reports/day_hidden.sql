SELECT
    v.verdict_id,
    v.verdict,
    v.scope,
    v.who,
    v.note,
    v.until,
    count(*) AS anomalies
FROM bi.anomalies a
JOIN bi.verdicts v ON v.verdict_id = a.verdict_id
WHERE a.source_key = :source_key AND a.day = :day AND NOT a.shown
GROUP BY v.verdict_id, v.verdict, v.scope, v.who, v.note, v.until
ORDER BY count(*) DESC, v.verdict_id
