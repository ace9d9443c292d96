CREATE OR REPLACE VIEW bi.models AS
SELECT
    s.key AS source_key,
    s.name AS source,
    m.version,
    c.version IS NOT NULL AS champion,
    m.state,
    m.created_at,
    m.created_by,
    cardinality(m.training_days) AS training_day_count,
    m.training_days[1] AS first_training_day,
    m.training_days[cardinality(m.training_days)] AS last_training_day,
    m.parent,
    m.seed,
    m.metrics,
    m.library_versions,
    m.path,
    m.doubts_error
FROM deeplog.models m
JOIN deeplog.sources s ON s.source_id = m.source_id
LEFT JOIN deeplog.champions c ON c.source_id = m.source_id AND c.version = m.version;

COMMENT ON VIEW bi.models IS 'Model versions and which of them is the champion.';
COMMENT ON COLUMN bi.models.source_key         IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.models.source             IS 'Name of the source.';
COMMENT ON COLUMN bi.models.version            IS 'Hash of what the version holds.';
COMMENT ON COLUMN bi.models.champion           IS 'True: new runs take it.';
COMMENT ON COLUMN bi.models.state              IS 'available, or deleted by maintenance.';
COMMENT ON COLUMN bi.models.created_at         IS 'When it was registered.';
COMMENT ON COLUMN bi.models.created_by         IS 'The run, or the person, that trained it.';
COMMENT ON COLUMN bi.models.training_day_count IS 'Number of days it was trained on.';
COMMENT ON COLUMN bi.models.first_training_day IS 'The first of them.';
COMMENT ON COLUMN bi.models.last_training_day  IS 'The last of them.';
COMMENT ON COLUMN bi.models.parent             IS 'Version whose catalogue it goes on from.';
COMMENT ON COLUMN bi.models.seed               IS 'Seed of its training.';
COMMENT ON COLUMN bi.models.metrics            IS 'What training measured, as JSON.';
COMMENT ON COLUMN bi.models.library_versions   IS 'Libraries that it was trained with, as JSON.';
COMMENT ON COLUMN bi.models.path               IS 'Folder below the root of the registry.';
COMMENT ON COLUMN bi.models.doubts_error       IS 'Why its training could not say what it is in doubt of (bi.training_doubts is empty then); null: it could, or never tried.';
