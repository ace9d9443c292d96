"""Steps as Airflow tasks. The files in dags/ put them in order; what they do stands in `deeplog_ops.steps`."""
