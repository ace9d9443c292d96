#!/bin/bash
# Runs once, when the volume is empty: a database and a role each for Airflow's metadata and for the platform.
set -euo pipefail
psql --set ON_ERROR_STOP=1 --username postgres \
    --set airflow="$AIRFLOW_DATABASE_PASSWORD" --set deeplog="$DEEPLOG_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE ROLE deeplog LOGIN PASSWORD :'deeplog';
CREATE ROLE deeplog_reader NOLOGIN;
CREATE ROLE deeplog_operator NOLOGIN;
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE deeplog OWNER deeplog;
REVOKE ALL ON DATABASE airflow FROM PUBLIC;
REVOKE ALL ON DATABASE deeplog FROM PUBLIC;
GRANT CONNECT ON DATABASE deeplog TO deeplog_reader, deeplog_operator;
SQL
