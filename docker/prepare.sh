#!/bin/bash
# Runs as root before Airflow's components start, and ends. It may run any number of times.
set -euo pipefail
mkdir -p /opt/airflow/lake /opt/airflow/logs /opt/airflow/state
printf '{"admin": "%s"}\n' "$AIRFLOW_ADMIN_PASSWORD" > /opt/airflow/state/passwords.json
chown -R airflow:0 /opt/airflow/state
chown airflow:0 /opt/airflow/lake /opt/airflow/logs
chmod 600 /opt/airflow/state/passwords.json
# As the user that will write there later; the environment goes along.
run="setpriv --reuid=airflow --regid=0 --clear-groups env HOME=/home/airflow"
$run /home/airflow/.local/bin/airflow db migrate
$run /home/airflow/.local/bin/deeplog-ops db migrate
