"""What the default verdict finds in sessions of known workflows, how often it is wrong, and what training may hold."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.detection.known_sessions import FIXED, doubled, fitted, flagged, sessions, transfers, without


def test_of_100_sessions_alike_every_step_unknown_left_out_or_doubled_is_flagged() -> None:
    evidence = fitted([FIXED], [100])
    odd = [without(FIXED, key) for key in FIXED] + [doubled(FIXED, key) for key in FIXED]
    odd += [(*FIXED[:place], "never seen", *FIXED[place:]) for place in range(len(FIXED) + 1)]
    assert flagged(evidence, odd) == 1
    assert flagged(evidence, [FIXED]) == 0


def test_a_step_of_concurrent_branches_left_out_or_doubled_is_flagged() -> None:
    for seed in range(6):
        evidence, short = fitted(transfers(1000, seed)), fitted(transfers(300, seed))
        new = transfers(200, seed + 100)
        for key in ("start", "lock", "grant", "close", "end"):
            stopped, twice = [without(s, key) for s in new], [doubled(s, key) for s in new]
            assert flagged(evidence, [*stopped, *twice]) == 1, key
            # Of a few hundred sessions some look so varied that the threshold is at its highest.
            assert flagged(short, stopped) >= 0.6, key
            assert flagged(short, twice) == 1, key


def test_any_weaving_and_any_number_of_repetitions_of_concurrent_branches_is_normal() -> None:
    evidence = fitted(transfers(300))
    new = transfers(4000, 5)
    assert len(set(new) - set(transfers(300))) > 50
    assert flagged(evidence, new) <= 0.001


@pytest.mark.parametrize(("training", "budget"), [(300, 0.001), (300, 0.01), (1000, 0.001), (1000, 0.01)])
def test_false_alarms_on_new_normal_sessions_of_random_workflows_are_within_the_budget(
    training: int, budget: float
) -> None:
    shares = [
        flagged(fitted(sessions(seed, training), budget=budget), sessions(seed, 2000, drawn=1))
        for seed in range(10)
    ]
    assert np.mean(shares) <= budget
    assert max(shares) <= 5 * budget


def test_of_random_workflows_most_sessions_with_a_step_left_out_are_flagged() -> None:
    found = []
    for seed in range(10):
        new = sessions(seed, 200, drawn=2)
        odd = [without(session, session[number % len(session)]) for number, session in enumerate(new)]
        found.append(flagged(fitted(sessions(seed, 1000)), odd))
    assert np.mean(found) > 0.8


def test_two_anomalies_in_training_do_not_hide_others_of_their_kind() -> None:
    one_each, two_alike = [], []
    for seed in range(6):
        training, new = transfers(2000, seed), transfers(200, seed + 100)
        kinds = [without(s, "lock") for s in new], [doubled(s, "grant") for s in new]
        evidence = fitted([*training, *(kind[0] for kind in kinds)])
        one_each += [flagged(evidence, kind[1:]) for kind in kinds]
        two_alike += [flagged(fitted([*training, *kind[:2]]), kind[2:]) for kind in kinds]
    assert np.mean(one_each) >= 0.95
    assert min(one_each) >= 0.85
    # Two of one kind vouch for each other: most of their kind are found even so.
    assert np.mean(two_alike) >= 0.75


def test_an_anomaly_that_nothing_supports_is_left_out_of_training_and_still_flagged() -> None:
    odd = [("start", "burnt", "end"), ("lock", "lock", "lock")]
    evidence = fitted([*transfers(2000), *odd])
    assert evidence.left_out_sessions == 2
    assert flagged(evidence, [*odd, ("start", "burnt", "close", "end"), ("lock",) * 4]) == 1
    # Such scores raise the threshold to its highest, where other anomalies are still above it.
    assert flagged(evidence, [without(session, "lock") for session in transfers(200, 9)]) >= 0.95


def test_what_many_sessions_do_is_no_accident_and_is_learnt() -> None:
    rare = ("start", "help", "end")
    evidence = fitted([*transfers(2000), *[rare] * 5])
    assert evidence.left_out_sessions == 0
    assert flagged(evidence, [rare]) == 0
