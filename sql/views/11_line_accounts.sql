CREATE OR REPLACE VIEW bi.line_accounts AS
SELECT
    s.key AS source_key,
    s.name AS source,
    d.day,
    a.file_id,
    a.path,
    a.lines_read,
    a.events,
    a.joined,
    a.blank,
    a.quarantined,
    a.other_days,
    a.note,
    a.run_id
FROM deeplog.file_accounts a
JOIN deeplog.days d ON d.run_id = a.run_id
JOIN deeplog.sources s ON s.source_id = d.source_id;

COMMENT ON VIEW bi.line_accounts IS 'Where every line of every file went, for the published run of each day.';
COMMENT ON COLUMN bi.line_accounts.source_key  IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.line_accounts.source      IS 'Name of the source.';
COMMENT ON COLUMN bi.line_accounts.day         IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN bi.line_accounts.file_id     IS 'Raw file, by the fingerprint of its head.';
COMMENT ON COLUMN bi.line_accounts.path        IS 'Where it was read from.';
COMMENT ON COLUMN bi.line_accounts.lines_read  IS 'Lines of the file: the sum of the next five.';
COMMENT ON COLUMN bi.line_accounts.events      IS 'Lines that begin a record of the day.';
COMMENT ON COLUMN bi.line_accounts.joined      IS 'Lines that belong to the record before them.';
COMMENT ON COLUMN bi.line_accounts.blank       IS 'Lines with nothing on them.';
COMMENT ON COLUMN bi.line_accounts.quarantined IS 'Lines that could not be read; kept with a reason.';
COMMENT ON COLUMN bi.line_accounts.other_days  IS 'Lines of other days, those looked back to among them.';
COMMENT ON COLUMN bi.line_accounts.note        IS 'What else is to be said, such as a truncated archive.';
COMMENT ON COLUMN bi.line_accounts.run_id      IS 'Run that read it.';
