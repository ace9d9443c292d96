CREATE TABLE deeplog.days (
    source_id           integer     NOT NULL REFERENCES deeplog.sources,
    day                 date        NOT NULL,
    run_id              bigint      REFERENCES deeplog.runs,
    last_run_id         bigint      REFERENCES deeplog.runs,
    state               text        NOT NULL DEFAULT 'not_scored'
                        CHECK (state IN ('not_scored', 'warming_up', 'scored', 'stale', 'failed')),
    reason              text,
    version             text,
    events              bigint,
    sessions_judged     bigint,
    sessions_open       bigint,
    anomalies           bigint,
    anomalies_published bigint,
    quarantined         bigint,
    view_start          timestamptz NOT NULL,
    starts_at           timestamptz NOT NULL,
    ends_at             timestamptz NOT NULL,
    scored_at           timestamptz,
    stale_since         timestamptz,
    PRIMARY KEY (source_id, day),
    CHECK (view_start <= starts_at AND starts_at < ends_at),
    -- Zero anomalies is a number on a day that was looked at; a day that was not has none.
    CHECK ((state IN ('warming_up', 'scored', 'stale')) = (run_id IS NOT NULL)),
    CHECK ((run_id IS NOT NULL) = (anomalies IS NOT NULL))
);

COMMENT ON TABLE  deeplog.days                     IS 'One row a day that a run has touched: its state, the live run, and what it counted.';
COMMENT ON COLUMN deeplog.days.source_id           IS 'Source.';
COMMENT ON COLUMN deeplog.days.day                 IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN deeplog.days.run_id              IS 'The live run, whose rows are published; null: nothing is.';
COMMENT ON COLUMN deeplog.days.last_run_id         IS 'The run that was begun last.';
COMMENT ON COLUMN deeplog.days.state               IS 'not_scored, warming_up, scored, stale (late lines came after scoring), or failed.';
COMMENT ON COLUMN deeplog.days.reason              IS 'Why the day is in this state, in words; null for a plain scored day.';
COMMENT ON COLUMN deeplog.days.version             IS 'Model version of the live run.';
COMMENT ON COLUMN deeplog.days.events              IS 'Events of the day.';
COMMENT ON COLUMN deeplog.days.sessions_judged     IS 'Sessions, or pieces and windows, that were judged on this day.';
COMMENT ON COLUMN deeplog.days.sessions_open       IS 'Sessions that were not over at the end of the day.';
COMMENT ON COLUMN deeplog.days.anomalies           IS 'All anomalies of the day.';
COMMENT ON COLUMN deeplog.days.anomalies_published IS 'Of these, the ones that have a row: the worst, up to the configured number.';
COMMENT ON COLUMN deeplog.days.quarantined         IS 'Lines that could not be read.';
COMMENT ON COLUMN deeplog.days.view_start          IS 'Earliest instant that the result may depend on: begin of the day less the lookback.';
COMMENT ON COLUMN deeplog.days.starts_at           IS 'Begin of the day as an instant.';
COMMENT ON COLUMN deeplog.days.ends_at             IS 'End of the day as an instant, exclusive.';
COMMENT ON COLUMN deeplog.days.scored_at           IS 'When the live rows were published.';
COMMENT ON COLUMN deeplog.days.stale_since         IS 'When late lines were noticed.';
