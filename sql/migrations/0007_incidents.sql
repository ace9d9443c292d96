-- Month partitions that are there get the columns and the indexes too; for incidents they are made when a day is next
-- published.

ALTER TABLE deeplog.anomalies ADD COLUMN details jsonb NOT NULL DEFAULT '{}';
ALTER TABLE deeplog.anomalies ADD COLUMN incident_id text;
CREATE INDEX anomalies_incident ON deeplog.anomalies (source_id, day, incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX anomalies_id ON deeplog.anomalies (anomaly_id text_pattern_ops);

COMMENT ON COLUMN deeplog.anomalies.details     IS 'What its kind has to say beyond the columns, such as typical and actual values.';
COMMENT ON COLUMN deeplog.anomalies.incident_id IS 'Incident of the day that it belongs to; null: it was not grouped.';


CREATE TABLE deeplog.incidents (
    source_id         integer NOT NULL,
    day               date    NOT NULL,
    incident_id       text    NOT NULL,
    run_id            bigint  NOT NULL,
    locator           text    NOT NULL,
    kind              text    NOT NULL,
    fingerprint       text    NOT NULL,
    severity          integer NOT NULL CHECK (severity BETWEEN 0 AND 100),
    title             text    NOT NULL,
    reason            text    NOT NULL,
    anomalies         bigint  NOT NULL CHECK (anomalies > 0),
    sessions          bigint  NOT NULL CHECK (sessions >= 0),
    worst_anomaly_id  text    NOT NULL,
    first_time        timestamptz,
    last_time         timestamptz,
    first_file_id     text    NOT NULL,
    first_line_no     bigint  NOT NULL,
    first_byte_offset bigint  NOT NULL,
    worst_file_id     text    NOT NULL,
    worst_line_no     bigint  NOT NULL,
    worst_byte_offset bigint  NOT NULL,
    details           jsonb   NOT NULL DEFAULT '{}',
    PRIMARY KEY (source_id, day, incident_id)
) PARTITION BY RANGE (day);
CREATE INDEX incidents_fingerprint ON deeplog.incidents (source_id, fingerprint, day);
CREATE INDEX incidents_day ON deeplog.incidents (day);

COMMENT ON TABLE  deeplog.incidents                   IS 'Anomalies of a day that are one event to a person. What spans days is read through bi.incidents.';
COMMENT ON COLUMN deeplog.incidents.source_id         IS 'Source.';
COMMENT ON COLUMN deeplog.incidents.day               IS 'Day of its anomalies, in the zone of the source.';
COMMENT ON COLUMN deeplog.incidents.incident_id       IS 'Hash of source, day and locator: found again, it has the same id.';
COMMENT ON COLUMN deeplog.incidents.run_id            IS 'Run that published the row.';
COMMENT ON COLUMN deeplog.incidents.locator           IS 'What makes it unique within its day.';
COMMENT ON COLUMN deeplog.incidents.kind              IS 'What kind of incident it is.';
COMMENT ON COLUMN deeplog.incidents.fingerprint       IS 'The same on another day for the same incident.';
COMMENT ON COLUMN deeplog.incidents.severity          IS '0 to 100, as the day alone gives it.';
COMMENT ON COLUMN deeplog.incidents.title             IS 'What it is, in a few words.';
COMMENT ON COLUMN deeplog.incidents.reason            IS 'Why it is one, in words.';
COMMENT ON COLUMN deeplog.incidents.anomalies         IS 'Its anomalies, those without a row too.';
COMMENT ON COLUMN deeplog.incidents.sessions          IS 'Sessions that they touch.';
COMMENT ON COLUMN deeplog.incidents.worst_anomaly_id  IS 'The worst of them.';
COMMENT ON COLUMN deeplog.incidents.first_time        IS 'When it began; null: its lines have no times.';
COMMENT ON COLUMN deeplog.incidents.last_time         IS 'When it ended.';
COMMENT ON COLUMN deeplog.incidents.first_file_id     IS 'Raw file of its first line.';
COMMENT ON COLUMN deeplog.incidents.first_line_no     IS 'Number of that line in its file, from 1.';
COMMENT ON COLUMN deeplog.incidents.first_byte_offset IS 'Byte offset of that line in the uncompressed file, from 0.';
COMMENT ON COLUMN deeplog.incidents.worst_file_id     IS 'Raw file of its worst line.';
COMMENT ON COLUMN deeplog.incidents.worst_line_no     IS 'Number of that line in its file, from 1.';
COMMENT ON COLUMN deeplog.incidents.worst_byte_offset IS 'Byte offset of that line in the uncompressed file, from 0.';
COMMENT ON COLUMN deeplog.incidents.details           IS 'What its kind has to say beyond the columns.';


CREATE TABLE deeplog.day_health (
    source_id         integer NOT NULL REFERENCES deeplog.sources,
    day               date    NOT NULL,
    judged            bigint  NOT NULL CHECK (judged >= 0),
    unknown_share     double precision,
    unknown_usual     double precision,
    alarm_rate        double precision,
    budget            double precision,
    p_median          double precision,
    p_low             double precision,
    calibration_error double precision,
    level             text    NOT NULL DEFAULT 'ok' CHECK (level IN ('ok', 'watch', 'train')),
    advice            text    NOT NULL DEFAULT '',
    PRIMARY KEY (source_id, day)
);

COMMENT ON TABLE  deeplog.day_health                   IS 'How well a published day still fits its model version. Null: not measured.';
COMMENT ON COLUMN deeplog.day_health.source_id         IS 'Source.';
COMMENT ON COLUMN deeplog.day_health.day               IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN deeplog.day_health.judged            IS 'Sessions that the numbers are of.';
COMMENT ON COLUMN deeplog.day_health.unknown_share     IS 'Share of events whose template the version does not know.';
COMMENT ON COLUMN deeplog.day_health.unknown_usual     IS 'That share on days of training.';
COMMENT ON COLUMN deeplog.day_health.alarm_rate        IS 'Share of judged sessions that were flagged: what came of the budget.';
COMMENT ON COLUMN deeplog.day_health.budget            IS 'Share of normal sessions that the source lets be flagged.';
COMMENT ON COLUMN deeplog.day_health.p_median          IS 'Median of the p-values of the sessions; 0.5 where calibration holds.';
COMMENT ON COLUMN deeplog.day_health.p_low             IS 'Share of sessions with a p-value of 0.1 or less; 0.1 where calibration holds.';
COMMENT ON COLUMN deeplog.day_health.calibration_error IS 'Largest distance of the p-values from a uniform distribution, 0 to 1.';
COMMENT ON COLUMN deeplog.day_health.level             IS 'ok, watch, or train: a new version is advised.';
COMMENT ON COLUMN deeplog.day_health.advice            IS 'Why, in words; empty where all is well.';


CREATE TABLE deeplog.detector_opinions (
    source_id           integer NOT NULL REFERENCES deeplog.sources,
    day                 date    NOT NULL,
    detector            text    NOT NULL,
    judged              bigint  NOT NULL,
    flagged             bigint  NOT NULL,
    agreed_with_verdict bigint  NOT NULL,
    enabled             boolean NOT NULL,
    PRIMARY KEY (source_id, day, detector),
    CHECK (0 <= agreed_with_verdict AND agreed_with_verdict <= flagged AND flagged <= judged)
);

COMMENT ON TABLE  deeplog.detector_opinions                     IS 'What each detector said of a day, those too that give no alarms.';
COMMENT ON COLUMN deeplog.detector_opinions.source_id           IS 'Source.';
COMMENT ON COLUMN deeplog.detector_opinions.day                 IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN deeplog.detector_opinions.detector            IS 'Name of the detector.';
COMMENT ON COLUMN deeplog.detector_opinions.judged              IS 'Sessions, or windows, that it looked at.';
COMMENT ON COLUMN deeplog.detector_opinions.flagged             IS 'Of these, the ones that it calls anomalies.';
COMMENT ON COLUMN deeplog.detector_opinions.agreed_with_verdict IS 'Of these, the ones that the verdict of the day calls so too.';
COMMENT ON COLUMN deeplog.detector_opinions.enabled             IS 'True: what it flags is an anomaly of the day; false: an opinion for comparison.';
