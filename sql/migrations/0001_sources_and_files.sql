CREATE SCHEMA IF NOT EXISTS bi;
COMMENT ON SCHEMA bi IS 'Views for people and BI tools: columns are added, and rarely renamed or removed.';


CREATE TABLE deeplog.sources (
    source_id  integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        text        NOT NULL UNIQUE CHECK (key <> ''),
    name       text        NOT NULL CHECK (name <> ''),
    config     jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz
);
CREATE UNIQUE INDEX sources_name ON deeplog.sources (name) WHERE removed_at IS NULL;

COMMENT ON TABLE  deeplog.sources            IS 'A source of logs. A removed source keeps this row and nothing else.';
COMMENT ON COLUMN deeplog.sources.source_id  IS 'Number of the source in this database.';
COMMENT ON COLUMN deeplog.sources.key        IS 'Identity in tables and lake; stays when the source is renamed.';
COMMENT ON COLUMN deeplog.sources.name       IS 'Name that people use; unique among the sources that are not removed.';
COMMENT ON COLUMN deeplog.sources.config     IS 'Configuration as last registered.';
COMMENT ON COLUMN deeplog.sources.created_at IS 'When the source was first registered.';
COMMENT ON COLUMN deeplog.sources.removed_at IS 'When its rows were deleted; null for a source in use.';


CREATE TABLE deeplog.raw_files (
    source_id     integer     NOT NULL REFERENCES deeplog.sources,
    file_id       text        NOT NULL,
    path          text        NOT NULL,
    size          bigint      NOT NULL CHECK (size >= 0),
    modified      timestamptz NOT NULL,
    compression   text,
    read_to       bigint,
    first_time    timestamptz,
    last_time     timestamptz,
    lines         bigint,
    duplicate_of  text,
    day_hint      date,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, file_id, path)
);

COMMENT ON TABLE  deeplog.raw_files               IS 'Raw files as last seen. A rotated file keeps its file_id and has a row for each path it was seen under.';
COMMENT ON COLUMN deeplog.raw_files.source_id     IS 'Source.';
COMMENT ON COLUMN deeplog.raw_files.file_id       IS 'Fingerprint of the uncompressed head of the file.';
COMMENT ON COLUMN deeplog.raw_files.path          IS 'Path or address of the file.';
COMMENT ON COLUMN deeplog.raw_files.size          IS 'Bytes on disk.';
COMMENT ON COLUMN deeplog.raw_files.modified      IS 'Last change of the file, as its store says.';
COMMENT ON COLUMN deeplog.raw_files.compression   IS 'gzip, bz2, xz or zstd, found by content; null for a plain file.';
COMMENT ON COLUMN deeplog.raw_files.read_to       IS 'Uncompressed bytes to read of a plain file; null: to its end.';
COMMENT ON COLUMN deeplog.raw_files.first_time    IS 'Time that the file begins with; once it was read, the earliest in it.';
COMMENT ON COLUMN deeplog.raw_files.last_time     IS 'Latest time in the file; null: not read to its present end yet.';
COMMENT ON COLUMN deeplog.raw_files.lines         IS 'Lines that the last complete reading found.';
COMMENT ON COLUMN deeplog.raw_files.duplicate_of  IS 'Path of the file that was read in its place, where this is a second copy.';
COMMENT ON COLUMN deeplog.raw_files.day_hint      IS 'Day that its path names, for lines without a time.';
COMMENT ON COLUMN deeplog.raw_files.first_seen_at IS 'When a run first saw it under this path.';
COMMENT ON COLUMN deeplog.raw_files.last_seen_at  IS 'When a run last saw it under this path.';
