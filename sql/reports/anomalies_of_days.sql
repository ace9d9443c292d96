-- The anomalies of a source from one day to another, worst first, each with the raw line that shows it.
SELECT
    a.day,
    a.session,
    a.detector,
    a.kind,
    a.reason,
    a.score,
    a.p_value,
    a.first_time,
    a.last_time,
    a.event_count,
    a.line_no,
    l.path,
    l.text AS line
FROM bi.anomalies a
LEFT JOIN bi.anomaly_lines l
    ON l.source_key = a.source_key AND l.day = a.day AND l.anomaly_id = a.anomaly_id AND l.is_worst
WHERE a.source = :source AND a.day BETWEEN :first AND :last
ORDER BY a.p_value NULLS LAST, a.score DESC, a.day, a.anomaly_id
