CREATE TABLE deeplog.runs (
    run_id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id    integer     NOT NULL REFERENCES deeplog.sources,
    kind         text        NOT NULL DEFAULT 'daily' CHECK (kind IN ('daily', 'train')),
    day          date        NOT NULL,
    run_key      text        NOT NULL,
    view_start   timestamptz NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    trigger      text        NOT NULL,
    model_choice text        NOT NULL,
    version      text,
    config       jsonb       NOT NULL,
    config_hash  text        NOT NULL,
    state        text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'superseded')),
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    error        text,
    UNIQUE (source_id, kind, day, run_key)
);

COMMENT ON TABLE  deeplog.runs              IS 'One row a run of a day, or of a training: what was asked, which model version was pinned, how it ended.';
COMMENT ON COLUMN deeplog.runs.run_id       IS 'Number of the run.';
COMMENT ON COLUMN deeplog.runs.source_id    IS 'Source.';
COMMENT ON COLUMN deeplog.runs.kind         IS 'daily: scores a day; train: learns from the days up to this one and touches no day.';
COMMENT ON COLUMN deeplog.runs.day          IS 'Calendar day in the zone of the source; of a training the last one.';
COMMENT ON COLUMN deeplog.runs.run_key      IS 'Name that the caller gave; the same key is the same run, tried again.';
COMMENT ON COLUMN deeplog.runs.view_start   IS 'Earliest instant that it reads: begin less the lookback.';
COMMENT ON COLUMN deeplog.runs.starts_at    IS 'Begin of its day, or of the first of its training days.';
COMMENT ON COLUMN deeplog.runs.ends_at      IS 'End of its day, exclusive.';
COMMENT ON COLUMN deeplog.runs.trigger      IS 'scheduled, manual, backfill or cli.';
COMMENT ON COLUMN deeplog.runs.model_choice IS 'What was asked for: champion, keep, or a version.';
COMMENT ON COLUMN deeplog.runs.version      IS 'Model version pinned when the run started; null: there was none yet.';
COMMENT ON COLUMN deeplog.runs.config       IS 'Configuration pinned when it began: a later change of the file does not reach it.';
COMMENT ON COLUMN deeplog.runs.config_hash  IS 'Hash of the configuration that the run worked with.';
COMMENT ON COLUMN deeplog.runs.state        IS 'running, done, failed, or superseded by a later run of the day.';
COMMENT ON COLUMN deeplog.runs.started_at   IS 'When it was first begun.';
COMMENT ON COLUMN deeplog.runs.finished_at  IS 'When it last ended; null while it runs.';
COMMENT ON COLUMN deeplog.runs.error        IS 'Why it failed, in words.';


CREATE TABLE deeplog.run_stages (
    run_id         bigint           NOT NULL REFERENCES deeplog.runs ON DELETE CASCADE,
    stage          text             NOT NULL,
    attempt        integer          NOT NULL CHECK (attempt >= 1),
    state          text             NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'killed')),
    rows           bigint,
    bytes          bigint,
    seconds        double precision,
    peak_memory_mb double precision,
    host           text,
    message        text,
    started_at     timestamptz      NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    PRIMARY KEY (run_id, stage, attempt)
);

COMMENT ON TABLE  deeplog.run_stages                IS 'One row an attempt at a stage of a run.';
COMMENT ON COLUMN deeplog.run_stages.run_id         IS 'Run.';
COMMENT ON COLUMN deeplog.run_stages.stage          IS 'Name of the stage, such as lines, events, sessions, scores, publish.';
COMMENT ON COLUMN deeplog.run_stages.attempt        IS 'Counted from 1.';
COMMENT ON COLUMN deeplog.run_stages.state          IS 'running, done, failed, or killed: never heard of again when the next attempt began.';
COMMENT ON COLUMN deeplog.run_stages.rows           IS 'Rows written.';
COMMENT ON COLUMN deeplog.run_stages.bytes          IS 'Bytes written.';
COMMENT ON COLUMN deeplog.run_stages.seconds        IS 'Duration in seconds.';
COMMENT ON COLUMN deeplog.run_stages.peak_memory_mb IS 'Largest resident memory in MiB.';
COMMENT ON COLUMN deeplog.run_stages.host           IS 'Machine that it ran on.';
COMMENT ON COLUMN deeplog.run_stages.message        IS 'What it had to say; on failure the error.';
COMMENT ON COLUMN deeplog.run_stages.started_at     IS 'Begin of the attempt.';
COMMENT ON COLUMN deeplog.run_stages.finished_at    IS 'End of the attempt; null while it runs.';


CREATE TABLE deeplog.partitions (
    run_id       bigint      NOT NULL REFERENCES deeplog.runs ON DELETE CASCADE,
    stage        text        NOT NULL,
    path         text        NOT NULL UNIQUE,
    rows         bigint      NOT NULL CHECK (rows >= 0),
    bytes        bigint      NOT NULL CHECK (bytes >= 0),
    committed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, stage)
);

COMMENT ON TABLE  deeplog.partitions              IS 'The pointer that makes files in the lake live: what no row here names is garbage.';
COMMENT ON COLUMN deeplog.partitions.run_id       IS 'Run that wrote it.';
COMMENT ON COLUMN deeplog.partitions.stage        IS 'Stage that wrote it.';
COMMENT ON COLUMN deeplog.partitions.path         IS 'Folder below the root of the lake.';
COMMENT ON COLUMN deeplog.partitions.rows         IS 'Rows in its files, checked when it is read.';
COMMENT ON COLUMN deeplog.partitions.bytes        IS 'Bytes of its files.';
COMMENT ON COLUMN deeplog.partitions.committed_at IS 'When it went live.';


CREATE TABLE deeplog.run_files (
    run_id       bigint      NOT NULL REFERENCES deeplog.runs ON DELETE CASCADE,
    ordinal      integer     NOT NULL,
    file_id      text        NOT NULL,
    path         text        NOT NULL,
    size         bigint      NOT NULL,
    modified     timestamptz NOT NULL,
    compression  text,
    read_to      bigint,
    first_time   timestamptz,
    last_time    timestamptz,
    duplicate_of text,
    day_hint     date,
    PRIMARY KEY (run_id, ordinal)
);

COMMENT ON TABLE  deeplog.run_files              IS 'The manifest of a run: the files that touch its day, as they were when it began.';
COMMENT ON COLUMN deeplog.run_files.run_id       IS 'Run.';
COMMENT ON COLUMN deeplog.run_files.ordinal      IS 'Place in the manifest, from 0: files are read in this order.';
COMMENT ON COLUMN deeplog.run_files.file_id      IS 'Fingerprint of the uncompressed head of the file.';
COMMENT ON COLUMN deeplog.run_files.path         IS 'Path or address it was read from.';
COMMENT ON COLUMN deeplog.run_files.size         IS 'Bytes on disk then.';
COMMENT ON COLUMN deeplog.run_files.modified     IS 'Its last change then.';
COMMENT ON COLUMN deeplog.run_files.compression  IS 'gzip, bz2, xz or zstd; null for a plain file.';
COMMENT ON COLUMN deeplog.run_files.read_to      IS 'Uncompressed bytes to read of a plain file; null: to its end.';
COMMENT ON COLUMN deeplog.run_files.first_time   IS 'Earliest time in the file, where known.';
COMMENT ON COLUMN deeplog.run_files.last_time    IS 'Latest time in the file then, where known.';
COMMENT ON COLUMN deeplog.run_files.duplicate_of IS 'Path of the file that is read in its place.';
COMMENT ON COLUMN deeplog.run_files.day_hint     IS 'Day that its path names, for lines without a time.';


CREATE TABLE deeplog.file_accounts (
    run_id      bigint      NOT NULL REFERENCES deeplog.runs ON DELETE CASCADE,
    file_id     text        NOT NULL,
    path        text        NOT NULL,
    lines_read  bigint      NOT NULL,
    events      bigint      NOT NULL,
    joined      bigint      NOT NULL,
    blank       bigint      NOT NULL,
    quarantined bigint      NOT NULL,
    other_days  bigint      NOT NULL,
    first_time  timestamptz,
    last_time   timestamptz,
    note        text,
    PRIMARY KEY (run_id, file_id, path),
    CONSTRAINT no_line_vanishes CHECK (lines_read = events + joined + blank + quarantined + other_days)
);

COMMENT ON TABLE  deeplog.file_accounts             IS 'Where every line of every file of a run went. The sum is checked by the database.';
COMMENT ON COLUMN deeplog.file_accounts.run_id      IS 'Run.';
COMMENT ON COLUMN deeplog.file_accounts.file_id     IS 'Fingerprint of the uncompressed head of the file.';
COMMENT ON COLUMN deeplog.file_accounts.path        IS 'Path or address it was read from.';
COMMENT ON COLUMN deeplog.file_accounts.lines_read  IS 'Lines of the file.';
COMMENT ON COLUMN deeplog.file_accounts.events      IS 'Lines that begin a record of the day.';
COMMENT ON COLUMN deeplog.file_accounts.joined      IS 'Lines that belong to the record before them.';
COMMENT ON COLUMN deeplog.file_accounts.blank       IS 'Lines with nothing on them.';
COMMENT ON COLUMN deeplog.file_accounts.quarantined IS 'Lines that could not be read; kept with a reason.';
COMMENT ON COLUMN deeplog.file_accounts.other_days  IS 'Lines of other days, those looked back to among them.';
COMMENT ON COLUMN deeplog.file_accounts.first_time  IS 'Earliest time that was read, on any day.';
COMMENT ON COLUMN deeplog.file_accounts.last_time   IS 'Latest time that was read, on any day.';
COMMENT ON COLUMN deeplog.file_accounts.note        IS 'What else is to be said, such as a truncated archive.';
