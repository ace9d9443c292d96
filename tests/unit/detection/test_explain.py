from __future__ import annotations

import pytest

from deeplog_ops.detection.explain import counts_reason, reason, relation_reason


def test_an_unexpected_key_is_told_with_what_was_expected() -> None:
    assert reason("C", "A", [("B", 0.83), ("D", 0.11), ("E", 0.01)], probability=0.0002, rank=14) == (
        'After "A" came "C" (probability 0.0002, 14 others likelier); expected "B" (0.83) or "D" (0.11).'
    )


def test_a_missing_end_is_told_with_what_should_have_followed() -> None:
    assert reason(None, "A", [("B", 0.9)], probability=0.00001, rank=3) == (
        'The session ended after "A" (probability under 0.0001); expected "B" (0.90).'
    )


def test_an_unknown_template_at_the_beginning_needs_no_numbers() -> None:
    assert reason(
        "X", None, [("B", 0.4), (None, 0.3), ("C", 0.2)], probability=1e-6, rank=9, known=False
    ) == (
        'The session began with "X", which training never saw; '
        'expected "B" (0.40), the end of the session (0.30) or "C" (0.20).'
    )


def test_long_templates_keep_their_beginning_and_their_end_on_one_line() -> None:
    text = (
        "java.io.IOException: cannot open <*>\n"
        + "\tat org.example.Frame.call\n" * 20
        + "Caused by: disk full"
    )
    sentence = reason(text, "A", [("B", 1.0)], probability=0.01, rank=1)
    assert len(sentence) < 220
    assert "\n" not in sentence
    assert "java.io.IOException: cannot open <*>" in sentence
    assert "disk full" in sentence
    assert "1 other likelier" in sentence


def test_a_long_text_without_spaces_is_shortened_too() -> None:
    assert len(reason("x" * 5000, "y" * 5000, [], probability=0.01, rank=1)) < 320


def test_counts_are_told_as_people_say_them() -> None:
    told = counts_reason([("A", 0, 1), ("B", 0, 4), ("C", 1, 0), ("D", 2, 1)])
    assert told == (
        'Compared with the most similar normal session, "A" is missing; "B" never came, there 4 times; '
        '"C" came once, there never; 1 more template differs.'
    )
    assert counts_reason([]) == ""


@pytest.mark.parametrize(
    ("relation", "told"),
    [
        (("Received", 2, "Stored", 3, 0), 'as many of "Received" as of "Stored"; here it is 2 and 3.'),
        (("Asked", 4, "Done", 4, 1), '1 more of "Asked" than of "Done"; here it is 4 and 4.'),
        (("Done", 4, "Asked", 5, -2), '2 more of "Asked" than of "Done"; here it is 5 and 4.'),
    ],
)
def test_a_broken_relation_is_told_from_what_is_usual(
    relation: tuple[str, int, str, int, int], told: str
) -> None:
    assert relation_reason(*relation) == f"Normal sessions have {told}"
