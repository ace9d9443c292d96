-- deeplog_operator may read everything, say verdicts and mark deploys, and take them back; it changes no result. For
-- people and tools that speak to the database themselves: GRANT deeplog_operator TO somebody.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'deeplog_operator') THEN
        CREATE ROLE deeplog_operator NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- made by a migration of another database of the same server, at the same moment
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'role deeplog_operator is missing and this user may not create roles: ask the database administrator';
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'deeplog_operator') THEN
        GRANT USAGE ON SCHEMA deeplog, bi TO deeplog_operator;
        GRANT SELECT ON ALL TABLES IN SCHEMA deeplog, bi TO deeplog_operator;
        -- Month partitions that are made later.
        ALTER DEFAULT PRIVILEGES IN SCHEMA deeplog GRANT SELECT ON TABLES TO deeplog_operator;
        ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO deeplog_operator;
        GRANT INSERT ON deeplog.verdicts, deeplog.feedback_sessions, deeplog.feedback_findings, deeplog.deploys TO deeplog_operator;
        GRANT UPDATE (withdrawn_at, withdrawn_by) ON deeplog.verdicts, deeplog.deploys TO deeplog_operator;
    END IF;
END
$$;
