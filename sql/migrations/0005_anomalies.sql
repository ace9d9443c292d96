-- Partitions by month are made when a day of the month is first published: created empty, then attached,
-- which blocks no reader. They carry no foreign keys, so that attaching locks no other table.

CREATE TABLE deeplog.anomalies (
    source_id     integer          NOT NULL,
    day           date             NOT NULL,
    anomaly_id    text             NOT NULL,
    run_id        bigint           NOT NULL,
    detector      text             NOT NULL,
    kind          text             NOT NULL,
    locator       text             NOT NULL,
    session       text,
    score         double precision NOT NULL,
    threshold     double precision NOT NULL,
    first_time    timestamptz,
    last_time     timestamptz,
    file_id       text             NOT NULL,
    line_no       bigint           NOT NULL,
    byte_offset   bigint           NOT NULL,
    event_count   bigint           NOT NULL,
    template_id   text,
    rank          integer,
    probability   double precision,
    p_value       double precision,
    expected      jsonb            NOT NULL DEFAULT '[]',
    reason        text             NOT NULL,
    version       text             NOT NULL,
    PRIMARY KEY (source_id, day, anomaly_id)
) PARTITION BY RANGE (day);
CREATE INDEX anomalies_session ON deeplog.anomalies (source_id, session);
CREATE INDEX anomalies_day ON deeplog.anomalies (day);

COMMENT ON TABLE  deeplog.anomalies             IS 'Anomalies of the live run of every day.';
COMMENT ON COLUMN deeplog.anomalies.source_id   IS 'Source.';
COMMENT ON COLUMN deeplog.anomalies.day         IS 'Day that the verdict belongs to, in the zone of the source.';
COMMENT ON COLUMN deeplog.anomalies.anomaly_id  IS 'Hash of source, day, detector and locator: found again, it has the same id.';
COMMENT ON COLUMN deeplog.anomalies.run_id      IS 'Run that published the row.';
COMMENT ON COLUMN deeplog.anomalies.detector    IS 'Detector that found it.';
COMMENT ON COLUMN deeplog.anomalies.kind        IS 'What kind of anomaly it is.';
COMMENT ON COLUMN deeplog.anomalies.locator     IS 'What makes it unique within its detector and day.';
COMMENT ON COLUMN deeplog.anomalies.session     IS 'Session or window; null: the event belongs to none.';
COMMENT ON COLUMN deeplog.anomalies.score       IS 'Score; larger is more anomalous.';
COMMENT ON COLUMN deeplog.anomalies.threshold   IS 'Score from which on the detector says anomaly.';
COMMENT ON COLUMN deeplog.anomalies.first_time  IS 'First event of the session.';
COMMENT ON COLUMN deeplog.anomalies.last_time   IS 'Last event of the session.';
COMMENT ON COLUMN deeplog.anomalies.file_id     IS 'Raw file of the worst line.';
COMMENT ON COLUMN deeplog.anomalies.line_no     IS 'Number of the worst line in its file, from 1.';
COMMENT ON COLUMN deeplog.anomalies.byte_offset IS 'Byte offset of that line in the uncompressed file, from 0.';
COMMENT ON COLUMN deeplog.anomalies.event_count IS 'Events of the session.';
COMMENT ON COLUMN deeplog.anomalies.template_id IS 'Template of the worst event; null: the session ended too early, or none applies.';
COMMENT ON COLUMN deeplog.anomalies.rank        IS 'Rank of the key that came among those expected, from 0.';
COMMENT ON COLUMN deeplog.anomalies.probability IS 'Probability that the model gave to the key that came.';
COMMENT ON COLUMN deeplog.anomalies.p_value     IS 'Share of normal sessions that score as high.';
COMMENT ON COLUMN deeplog.anomalies.expected    IS 'What was expected instead: [{"key": template_id, "probability": p}, ...].';
COMMENT ON COLUMN deeplog.anomalies.reason      IS 'Why it was flagged, in words.';
COMMENT ON COLUMN deeplog.anomalies.version     IS 'Model version that found it.';


CREATE TABLE deeplog.anomaly_lines (
    source_id   integer NOT NULL,
    day         date    NOT NULL,
    anomaly_id  text    NOT NULL,
    ordinal     integer NOT NULL,
    file_id     text    NOT NULL,
    line_no     bigint  NOT NULL,
    byte_offset bigint  NOT NULL,
    time        timestamptz,
    text        text    NOT NULL,
    template_id text,
    is_worst    boolean NOT NULL,
    of_session  boolean NOT NULL,
    PRIMARY KEY (source_id, day, anomaly_id, ordinal)
) PARTITION BY RANGE (day);

COMMENT ON TABLE  deeplog.anomaly_lines             IS 'The raw lines of an anomaly and a few around them, bounded.';
COMMENT ON COLUMN deeplog.anomaly_lines.source_id   IS 'Source.';
COMMENT ON COLUMN deeplog.anomaly_lines.day         IS 'Day of the anomaly.';
COMMENT ON COLUMN deeplog.anomaly_lines.anomaly_id  IS 'Anomaly.';
COMMENT ON COLUMN deeplog.anomaly_lines.ordinal     IS 'Place among the lines shown, from 0.';
COMMENT ON COLUMN deeplog.anomaly_lines.file_id     IS 'Raw file; deeplog.raw_files knows its paths.';
COMMENT ON COLUMN deeplog.anomaly_lines.line_no     IS 'Line number in the file, from 1.';
COMMENT ON COLUMN deeplog.anomaly_lines.byte_offset IS 'Byte offset in the uncompressed file, from 0.';
COMMENT ON COLUMN deeplog.anomaly_lines.time        IS 'Time of the line; null: it has none.';
COMMENT ON COLUMN deeplog.anomaly_lines.text        IS 'The line, redacted and shortened; a NUL character is shown as U+2400.';
COMMENT ON COLUMN deeplog.anomaly_lines.template_id IS 'Template of the line.';
COMMENT ON COLUMN deeplog.anomaly_lines.is_worst    IS 'True on the line that the anomaly points at.';
COMMENT ON COLUMN deeplog.anomaly_lines.of_session  IS 'False: a neighbour in the file, shown for context.';
