-- deeplog_reader may read the views of schema bi, and nothing else. It cannot log in: people and tools get a login of
-- their own that is a member of it (GRANT deeplog_reader TO somebody). The tables stay closed to it: among them are the
-- sessions kept for training, with all their values, and their columns may change with any version.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'deeplog_reader') THEN
        CREATE ROLE deeplog_reader NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- made by a migration of another database of the same server, at the same moment
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'role deeplog_reader is missing and this user may not create roles: ask the database administrator';
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'deeplog_reader') THEN
        GRANT USAGE ON SCHEMA bi TO deeplog_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA bi TO deeplog_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO deeplog_reader;
        -- What an earlier version gave.
        REVOKE ALL ON ALL TABLES IN SCHEMA deeplog FROM deeplog_reader;
        REVOKE ALL ON SCHEMA deeplog FROM deeplog_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA deeplog REVOKE SELECT ON TABLES FROM deeplog_reader;
    END IF;
END
$$;
