CREATE TABLE deeplog.templates (
    source_id   integer NOT NULL REFERENCES deeplog.sources,
    template_id text    NOT NULL,
    text        text    NOT NULL,
    first_day   date,
    alias_of    text    CHECK (alias_of <> template_id),
    PRIMARY KEY (source_id, template_id)
);

COMMENT ON TABLE  deeplog.templates             IS 'Every template that was ever published. Ids are never renumbered or reused.';
COMMENT ON COLUMN deeplog.templates.source_id   IS 'Source.';
COMMENT ON COLUMN deeplog.templates.template_id IS 'Hash of the text.';
COMMENT ON COLUMN deeplog.templates.text        IS 'The message with its variable parts as <*>.';
COMMENT ON COLUMN deeplog.templates.first_day   IS 'Earliest day known to hold it.';
COMMENT ON COLUMN deeplog.templates.alias_of    IS 'Older template that training merged it into.';


CREATE TABLE deeplog.template_counts (
    source_id   integer NOT NULL REFERENCES deeplog.sources,
    day         date    NOT NULL,
    template_id text    NOT NULL,
    events      bigint  NOT NULL CHECK (events > 0),
    PRIMARY KEY (source_id, day, template_id)
);

COMMENT ON TABLE  deeplog.template_counts             IS 'Events of a day by template.';
COMMENT ON COLUMN deeplog.template_counts.source_id   IS 'Source.';
COMMENT ON COLUMN deeplog.template_counts.day         IS 'Calendar day in the zone of the source.';
COMMENT ON COLUMN deeplog.template_counts.template_id IS 'Template as the day matched it, before aliases.';
COMMENT ON COLUMN deeplog.template_counts.events      IS 'Number of events.';
