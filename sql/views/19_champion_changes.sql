CREATE OR REPLACE VIEW bi.champion_changes AS
SELECT
    s.key AS source_key,
    s.name AS source,
    a.at,
    a.action,
    a.version AS model_version,
    a.previous,
    a.who,
    a.why
FROM deeplog.champion_audit a
JOIN deeplog.sources s ON s.source_id = a.source_id;

COMMENT ON VIEW bi.champion_changes IS 'Every change of a champion.';
COMMENT ON COLUMN bi.champion_changes.source_key    IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.champion_changes.source        IS 'Name of the source.';
COMMENT ON COLUMN bi.champion_changes.at            IS 'When.';
COMMENT ON COLUMN bi.champion_changes.action        IS 'promote or revert.';
COMMENT ON COLUMN bi.champion_changes.model_version IS 'Champion after the change.';
COMMENT ON COLUMN bi.champion_changes.previous      IS 'Champion before it; null: there was none.';
COMMENT ON COLUMN bi.champion_changes.who           IS 'Person or run that did it.';
COMMENT ON COLUMN bi.champion_changes.why           IS 'Reason given.';
