-- How much of its day had passed when a run began: what a day that is not over is judged by is an input, not the clock.

ALTER TABLE deeplog.runs ADD COLUMN passed_to timestamptz;

COMMENT ON COLUMN deeplog.runs.passed_to IS 'The end of its day, or, of a day that was not over, when it last began: pinned, so that a stage that is tried again later sees the same day. Null: begun before this was kept.';


-- Odd rates and rules that people called normal or real: a session is none of theirs, so what was found is kept itself.

CREATE TABLE deeplog.feedback_findings (
    source_id   integer NOT NULL REFERENCES deeplog.sources,
    verdict_id  bigint  NOT NULL REFERENCES deeplog.verdicts,
    day         date    NOT NULL,
    anomaly_id  text    NOT NULL,
    detector    text    NOT NULL CHECK (detector IN ('rates', 'rules')),
    normal      boolean NOT NULL,
    template_id text    NOT NULL,
    rule        text,
    rising      boolean,
    begins_at   timestamptz,
    ends_at     timestamptz,
    events      bigint  NOT NULL,
    counts      bigint[],
    kept_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, verdict_id, day, anomaly_id),
    CHECK (CASE detector
        WHEN 'rules' THEN rule IS NOT NULL AND num_nonnulls(rising, begins_at, ends_at, counts) = 0
        ELSE rule IS NULL AND num_nulls(rising, begins_at, ends_at, counts) = 0
    END)
);

COMMENT ON TABLE  deeplog.feedback_findings             IS 'Odd rates, and rules that held, that people called normal or real. Rates are learnt; a rule is not shown again for the template.';
COMMENT ON COLUMN deeplog.feedback_findings.source_id   IS 'Source.';
COMMENT ON COLUMN deeplog.feedback_findings.verdict_id  IS 'Verdict that it was kept for; it counts as long as that one holds.';
COMMENT ON COLUMN deeplog.feedback_findings.day         IS 'Day that found it.';
COMMENT ON COLUMN deeplog.feedback_findings.anomaly_id  IS 'The anomaly.';
COMMENT ON COLUMN deeplog.feedback_findings.detector    IS 'rates or rules.';
COMMENT ON COLUMN deeplog.feedback_findings.normal      IS 'True: of a false positive; false: of a true one.';
COMMENT ON COLUMN deeplog.feedback_findings.template_id IS 'Template that it is of.';
COMMENT ON COLUMN deeplog.feedback_findings.rule        IS 'Of rules: its name.';
COMMENT ON COLUMN deeplog.feedback_findings.rising      IS 'Of rates: true where more came than expected.';
COMMENT ON COLUMN deeplog.feedback_findings.begins_at   IS 'Of rates: from when on.';
COMMENT ON COLUMN deeplog.feedback_findings.ends_at     IS 'Of rates: until when.';
COMMENT ON COLUMN deeplog.feedback_findings.events      IS 'How many came.';
COMMENT ON COLUMN deeplog.feedback_findings.counts      IS 'Of rates: how many in each of its first bins.';
COMMENT ON COLUMN deeplog.feedback_findings.kept_at     IS 'When it was kept.';
