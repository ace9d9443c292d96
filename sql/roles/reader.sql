-- deeplog_reader may read everything and change nothing. It cannot log in: people and tools get a login of their own
-- that is a member of it (GRANT deeplog_reader TO somebody).
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
        GRANT USAGE ON SCHEMA deeplog, bi TO deeplog_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA deeplog, bi TO deeplog_reader;
        -- Month partitions that are made later.
        ALTER DEFAULT PRIVILEGES IN SCHEMA deeplog GRANT SELECT ON TABLES TO deeplog_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO deeplog_reader;
    END IF;
END
$$;
