-- What people say of a template is asked of its odd rates and rules, at every training and update: they are a few among
-- all anomalies, and the index is as small.

CREATE INDEX anomalies_rates_and_rules ON deeplog.anomalies (source_id, template_id) WHERE detector IN ('rates', 'rules');
