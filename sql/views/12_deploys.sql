CREATE OR REPLACE VIEW bi.deploys AS
SELECT
    s.key AS source_key,
    s.name AS source,
    d.deploy_id,
    d.at,
    d.label,
    d.who,
    d.created_at,
    d.withdrawn_at,
    d.withdrawn_by
FROM deeplog.deploys d
JOIN deeplog.sources s ON s.source_id = d.source_id;

COMMENT ON VIEW bi.deploys IS 'Changes of the software that writes a source, as people marked them.';
COMMENT ON COLUMN bi.deploys.source_key   IS 'Identity of the source; stays when it is renamed.';
COMMENT ON COLUMN bi.deploys.source       IS 'Name of the source.';
COMMENT ON COLUMN bi.deploys.deploy_id    IS 'Number of the deploy.';
COMMENT ON COLUMN bi.deploys.at           IS 'When it went live.';
COMMENT ON COLUMN bi.deploys.label        IS 'What went live, such as a version.';
COMMENT ON COLUMN bi.deploys.who          IS 'Who marked it.';
COMMENT ON COLUMN bi.deploys.created_at   IS 'When it was marked.';
COMMENT ON COLUMN bi.deploys.withdrawn_at IS 'When it was taken back; null: it counts.';
COMMENT ON COLUMN bi.deploys.withdrawn_by IS 'Who took it back.';
