-- What people say is keyed by what survives a re-run (ids that are hashes, fingerprints, templates, names of sessions),
-- so it refers to no run and to no scored row, and outlives both.

CREATE TABLE deeplog.verdicts (
    verdict_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id     integer     NOT NULL REFERENCES deeplog.sources,
    created_at    timestamptz NOT NULL DEFAULT now(),
    who           text        NOT NULL CHECK (who <> ''),
    kind          text        NOT NULL CHECK (kind IN ('false_positive', 'true_positive', 'expected', 'mute')),
    scope         text        NOT NULL CHECK (scope IN ('anomaly', 'incident', 'template', 'session')),
    day           date,
    anomaly_id    text,
    fingerprint   text,
    template_id   text,
    session_like  text,
    session_regex text,
    until         date,
    note          text        NOT NULL DEFAULT '',
    withdrawn_at  timestamptz,
    withdrawn_by  text,
    CONSTRAINT says_of_one_thing CHECK (CASE scope
        WHEN 'anomaly'  THEN day IS NOT NULL AND anomaly_id IS NOT NULL AND num_nonnulls(fingerprint, template_id, session_like, session_regex) = 0
        WHEN 'incident' THEN fingerprint IS NOT NULL AND num_nonnulls(day, anomaly_id, template_id, session_like, session_regex) = 0
        WHEN 'template' THEN template_id IS NOT NULL AND num_nonnulls(day, anomaly_id, fingerprint, session_like, session_regex) = 0
        ELSE num_nonnulls(session_like, session_regex) = 1 AND num_nonnulls(day, anomaly_id, fingerprint, template_id) = 0
    END),
    CONSTRAINT expected_ends CHECK (until IS NOT NULL OR kind <> 'expected'),
    CONSTRAINT for_good CHECK (until IS NULL OR kind IN ('expected', 'mute')),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE INDEX verdicts_anomaly  ON deeplog.verdicts (source_id, anomaly_id)  WHERE scope = 'anomaly'  AND withdrawn_at IS NULL;
CREATE INDEX verdicts_incident ON deeplog.verdicts (source_id, fingerprint) WHERE scope = 'incident' AND withdrawn_at IS NULL;
CREATE INDEX verdicts_template ON deeplog.verdicts (source_id, template_id) WHERE scope = 'template' AND withdrawn_at IS NULL;
CREATE INDEX templates_aliases ON deeplog.templates (source_id, alias_of) WHERE alias_of IS NOT NULL;
CREATE INDEX verdicts_session  ON deeplog.verdicts (source_id)              WHERE scope = 'session'  AND withdrawn_at IS NULL;

COMMENT ON TABLE  deeplog.verdicts               IS 'What people say. Rows are added and withdrawn, never changed; no scored row changes.';
COMMENT ON COLUMN deeplog.verdicts.verdict_id    IS 'Number of the verdict; of two on the same thing the later one counts.';
COMMENT ON COLUMN deeplog.verdicts.source_id     IS 'Source.';
COMMENT ON COLUMN deeplog.verdicts.created_at    IS 'When it was said.';
COMMENT ON COLUMN deeplog.verdicts.who           IS 'Who said it.';
COMMENT ON COLUMN deeplog.verdicts.kind          IS 'false_positive, true_positive, expected (until a day) or mute.';
COMMENT ON COLUMN deeplog.verdicts.scope         IS 'What it is about: anomaly, incident, template or session.';
COMMENT ON COLUMN deeplog.verdicts.day           IS 'Day of the anomaly.';
COMMENT ON COLUMN deeplog.verdicts.anomaly_id    IS 'Anomaly: a hash that a re-run gives again.';
COMMENT ON COLUMN deeplog.verdicts.fingerprint   IS 'Fingerprint of an incident, on whatever day.';
COMMENT ON COLUMN deeplog.verdicts.template_id   IS 'Template, and all that training merged with it.';
COMMENT ON COLUMN deeplog.verdicts.session_like  IS 'Pattern of LIKE for the whole name of a session.';
COMMENT ON COLUMN deeplog.verdicts.session_regex IS 'Regular expression for the whole name of a session.';
COMMENT ON COLUMN deeplog.verdicts.until         IS 'Last day of anomalies that it applies to; null: all days.';
COMMENT ON COLUMN deeplog.verdicts.note          IS 'Why, in the words of who said it.';
COMMENT ON COLUMN deeplog.verdicts.withdrawn_at  IS 'When it was taken back; null: it holds.';
COMMENT ON COLUMN deeplog.verdicts.withdrawn_by  IS 'Who took it back.';


CREATE FUNCTION deeplog.only_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR to_jsonb(OLD) - '{withdrawn_at,withdrawn_by}'::text[]
        IS DISTINCT FROM to_jsonb(NEW) - '{withdrawn_at,withdrawn_by}'::text[]
    THEN
        RAISE EXCEPTION 'what was said is not changed: it is withdrawn once, and said anew';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION deeplog.only_withdrawn() IS 'Refuses any change of a row but its withdrawal.';
CREATE TRIGGER only_withdrawn BEFORE UPDATE ON deeplog.verdicts
    FOR EACH ROW EXECUTE FUNCTION deeplog.only_withdrawn();


CREATE TABLE deeplog.feedback_sessions (
    source_id  integer NOT NULL REFERENCES deeplog.sources,
    verdict_id bigint  NOT NULL REFERENCES deeplog.verdicts,
    day        date    NOT NULL,
    session    text    NOT NULL,
    piece      integer NOT NULL DEFAULT 0,
    normal     boolean NOT NULL,
    keys       text[],
    times      timestamptz[],
    parameters jsonb,
    numbers    jsonb,
    kept_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, verdict_id, day, session, piece),
    CHECK (num_nonnulls(keys, times, parameters, numbers) IN (0, 4)),
    CHECK (NOT normal OR keys IS NOT NULL),
    CHECK (cardinality(keys) = cardinality(times))
);

COMMENT ON TABLE  deeplog.feedback_sessions            IS 'Sessions that training learns for good (normal) or leaves out: kept when the lake has forgotten them.';
COMMENT ON COLUMN deeplog.feedback_sessions.source_id  IS 'Source.';
COMMENT ON COLUMN deeplog.feedback_sessions.verdict_id IS 'Verdict that it was kept for; it counts as long as that one holds.';
COMMENT ON COLUMN deeplog.feedback_sessions.day        IS 'Day that judged it.';
COMMENT ON COLUMN deeplog.feedback_sessions.session    IS 'Its name.';
COMMENT ON COLUMN deeplog.feedback_sessions.piece      IS 'Which piece of it, where it was cut; else 0.';
COMMENT ON COLUMN deeplog.feedback_sessions.normal     IS 'True: of a false positive; false: of a true one.';
COMMENT ON COLUMN deeplog.feedback_sessions.keys       IS 'Template ids of its events in order; null: its lines were gone already.';
COMMENT ON COLUMN deeplog.feedback_sessions.times      IS 'Times of its events.';
COMMENT ON COLUMN deeplog.feedback_sessions.parameters IS 'Of each event, what stood at each <*> of its template.';
COMMENT ON COLUMN deeplog.feedback_sessions.numbers    IS 'The same as numbers; null where it is none.';
COMMENT ON COLUMN deeplog.feedback_sessions.kept_at    IS 'When it was kept.';


CREATE TABLE deeplog.deploys (
    deploy_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id    integer     NOT NULL REFERENCES deeplog.sources,
    at           timestamptz NOT NULL,
    label        text        NOT NULL CHECK (label <> ''),
    who          text        NOT NULL CHECK (who <> ''),
    created_at   timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz,
    withdrawn_by text,
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE INDEX deploys_at ON deeplog.deploys (source_id, at) WHERE withdrawn_at IS NULL;
CREATE TRIGGER only_withdrawn BEFORE UPDATE ON deeplog.deploys
    FOR EACH ROW EXECUTE FUNCTION deeplog.only_withdrawn();

COMMENT ON TABLE  deeplog.deploys              IS 'Changes of the software that writes a source, as people mark them.';
COMMENT ON COLUMN deeplog.deploys.deploy_id    IS 'Number of the deploy.';
COMMENT ON COLUMN deeplog.deploys.source_id    IS 'Source.';
COMMENT ON COLUMN deeplog.deploys.at           IS 'When it went live.';
COMMENT ON COLUMN deeplog.deploys.label        IS 'What went live, such as a version.';
COMMENT ON COLUMN deeplog.deploys.who          IS 'Who marked it.';
COMMENT ON COLUMN deeplog.deploys.created_at   IS 'When it was marked.';
COMMENT ON COLUMN deeplog.deploys.withdrawn_at IS 'When it was taken back; null: it counts.';
COMMENT ON COLUMN deeplog.deploys.withdrawn_by IS 'Who took it back.';
