"""Arrow schemas of all that is written to the lake: one place, read by every room.

A stage's Parquet files have exactly these columns. Times are microseconds in UTC.
"""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

# Stage "lines": one row a record (its first line and the lines joined to it), in the order of the file.
LINES = pa.schema(
    [
        pa.field("file_id", pa.string(), nullable=False),
        pa.field("line_no", pa.int64(), nullable=False),  # of the record's first line, from 1
        pa.field("byte_offset", pa.int64(), nullable=False),  # of that line in the uncompressed file
        pa.field("line_count", pa.int32(), nullable=False),  # lines in the record, 1 or more
        pa.field("time", TIME),  # null where the format has none
        pa.field("level", pa.string()),
        pa.field("host", pa.string()),
        pa.field("component", pa.string()),  # logger, program or class
        pa.field("pid", pa.string()),
        pa.field("thread", pa.string()),
        pa.field("fields", pa.string()),  # a JSON object of the format's other named fields, null if none
        pa.field("message", pa.string(), nullable=False),  # later lines of the record follow after "\n"
        pa.field("raw", pa.string(), nullable=False),  # the whole record as text, redacted
    ]
)

# Stage "quarantine": what could not be read, with its reason. One row a line, or a row a file (line_no 0).
QUARANTINE = pa.schema(
    [
        pa.field("file_id", pa.string(), nullable=False),
        pa.field("line_no", pa.int64(), nullable=False),
        pa.field("byte_offset", pa.int64(), nullable=False),
        pa.field("line_count", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # a word: bad_time, line_too_long, binary, ...
        pa.field("detail", pa.string()),  # what was found and what is accepted
        pa.field("raw", pa.string()),  # the beginning of the line, bounded, redacted
    ]
)

# Stage "events": row i belongs to row i of stage "lines" (same files, same order).
EVENTS = pa.schema(
    [
        pa.field("file_id", pa.string(), nullable=False),
        pa.field("line_no", pa.int64(), nullable=False),
        pa.field("byte_offset", pa.int64(), nullable=False),
        pa.field("time", TIME),
        pa.field("key", pa.string(), nullable=False),  # the template's id
        pa.field("parameters", pa.list_(pa.string()), nullable=False),  # what stands at each <*>, in order
        pa.field(
            "numbers", pa.list_(pa.float64()), nullable=False
        ),  # the same as numbers, null where not one
        pa.field("session", pa.string()),  # null: the event belongs to no session
    ]
)

# Stage "sessions": one row a session (or a piece of one that was cut at a fixed clock time).
SESSIONS = pa.schema(
    [
        pa.field("session", pa.string(), nullable=False),
        pa.field("piece", pa.int32(), nullable=False),  # 0 where not cut
        pa.field("first_time", TIME),
        pa.field("last_time", TIME),
        pa.field("closed_at", TIME),  # when it was known to be over; null: no time stamps
        pa.field("open", pa.bool_(), nullable=False),  # true: not over by the end of the day
        pa.field("judged", pa.bool_(), nullable=False),  # true: the verdict on it belongs to this day
        pa.field("sequence_id", pa.string(), nullable=False),  # hash of the keys: equal sequences share it
        pa.field("keys", pa.list_(pa.string()), nullable=False),
        pa.field("times", pa.list_(TIME), nullable=False),
        pa.field("file_ids", pa.list_(pa.string()), nullable=False),
        pa.field("line_nos", pa.list_(pa.int64()), nullable=False),
        pa.field("byte_offsets", pa.list_(pa.int64()), nullable=False),
    ]
)

# Stage "scores": one row a distinct sequence; the lists have one entry an event, and one more for the end (EOS).
SCORES = pa.schema(
    [
        pa.field("sequence_id", pa.string(), nullable=False),
        pa.field("keys", pa.list_(pa.string()), nullable=False),
        pa.field("sessions", pa.int64(), nullable=False),  # how many judged sessions share the sequence
        pa.field("rank", pa.list_(pa.int32()), nullable=False),  # of the key that came, from 0
        pa.field("probability", pa.list_(pa.float64()), nullable=False),
        pa.field(
            "surprise", pa.list_(pa.float64()), nullable=False
        ),  # -ln(probability); larger is more anomalous
        pa.field("known", pa.list_(pa.bool_()), nullable=False),  # the model's vocabulary has the key
        pa.field("score", pa.float64(), nullable=False),  # the largest surprise; larger is more anomalous
        pa.field("worst", pa.int32(), nullable=False),  # its place, from 0; len(keys) is the end
        pa.field(
            "expected_keys", pa.list_(pa.string()), nullable=False
        ),  # what was expected at the worst place
        pa.field("expected_probabilities", pa.list_(pa.float64()), nullable=False),
    ]
)

# Stage "anomalies": records.Anomaly as columns, worst first.
ANOMALIES = pa.schema(
    [
        pa.field("anomaly_id", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("session", pa.string()),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("threshold", pa.float64(), nullable=False),
        pa.field("first_time", TIME),
        pa.field("last_time", TIME),
        pa.field("file_id", pa.string(), nullable=False),
        pa.field("line_no", pa.int64(), nullable=False),
        pa.field("byte_offset", pa.int64(), nullable=False),
        pa.field("event_count", pa.int64(), nullable=False),
        pa.field("template_id", pa.string()),
        pa.field("rank", pa.int32()),
        pa.field("probability", pa.float64()),
        pa.field("p_value", pa.float64()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("expected_keys", pa.list_(pa.string()), nullable=False),
        pa.field("expected_probabilities", pa.list_(pa.float64()), nullable=False),
        pa.field("details", pa.string(), nullable=False),  # a JSON object
        pa.field("incident_id", pa.string()),  # null until anomalies are grouped
    ]
)

# Stage "incidents": records.Incident as columns, worst first.
INCIDENTS = pa.schema(
    [
        pa.field("incident_id", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("severity", pa.int32(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("anomalies", pa.int64(), nullable=False),
        pa.field("sessions", pa.int64(), nullable=False),
        pa.field("worst_anomaly_id", pa.string(), nullable=False),
        pa.field("first_time", TIME),
        pa.field("last_time", TIME),
        pa.field("first_file_id", pa.string(), nullable=False),
        pa.field("first_line_no", pa.int64(), nullable=False),
        pa.field("first_byte_offset", pa.int64(), nullable=False),
        pa.field("worst_file_id", pa.string(), nullable=False),
        pa.field("worst_line_no", pa.int64(), nullable=False),
        pa.field("worst_byte_offset", pa.int64(), nullable=False),
        pa.field("details", pa.string(), nullable=False),  # a JSON object
    ]
)

# Stage "day_health": records.DayHealth as columns, one row, or none where nothing was measured.
DAY_HEALTH = pa.schema(
    [
        pa.field("judged", pa.int64(), nullable=False),
        pa.field("unknown_share", pa.float64()),
        pa.field("unknown_usual", pa.float64()),
        pa.field("alarm_rate", pa.float64()),
        pa.field("budget", pa.float64()),
        pa.field("p_median", pa.float64()),
        pa.field("p_low", pa.float64()),
        pa.field("calibration_error", pa.float64()),
        pa.field("level", pa.string(), nullable=False),
        pa.field("advice", pa.string(), nullable=False),
    ]
)

# Stage "opinions": records.DetectorOpinion as columns, one row a detector.
OPINIONS = pa.schema(
    [
        pa.field("detector", pa.string(), nullable=False),
        pa.field("judged", pa.int64(), nullable=False),
        pa.field("flagged", pa.int64(), nullable=False),
        pa.field("agreed", pa.int64(), nullable=False),
        pa.field("enabled", pa.bool_(), nullable=False),
    ]
)

# Stage "anomaly_lines": the records of an anomaly and a few around its worst, bounded.
ANOMALY_LINES = pa.schema(
    [
        pa.field("anomaly_id", pa.string(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),  # from 0, in the session's order
        pa.field("file_id", pa.string(), nullable=False),
        pa.field("line_no", pa.int64(), nullable=False),
        pa.field("byte_offset", pa.int64(), nullable=False),
        pa.field("time", TIME),
        pa.field("text", pa.string(), nullable=False),
        pa.field("template_id", pa.string()),
        pa.field("is_worst", pa.bool_(), nullable=False),
        pa.field("of_session", pa.bool_(), nullable=False),  # false: a neighbour in the file, for context
    ]
)

# Stage "catalogue": the templates that a run's keys refer to; a run with a model adds the day's own to the version's.
CATALOGUE = pa.schema(
    [
        pa.field("template_id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("first_seen", pa.date32()),
        pa.field("alias_of", pa.string()),
        pa.field("events", pa.int64(), nullable=False),  # of the day itself, the lookback not counted
    ]
)

STAGES = {
    "anomalies": ANOMALIES,
    "anomaly_lines": ANOMALY_LINES,
    "catalogue": CATALOGUE,
    "lines": LINES,
    "quarantine": QUARANTINE,
    "events": EVENTS,
    "sessions": SESSIONS,
    "scores": SCORES,
    "incidents": INCIDENTS,
    "day_health": DAY_HEALTH,
    "opinions": OPINIONS,
    # What each kind of evidence found, before verdicts are put together: rows of the stage "anomalies".
    "value_findings": ANOMALIES,
    "rate_findings": ANOMALIES,
    "rule_findings": ANOMALIES,
}
