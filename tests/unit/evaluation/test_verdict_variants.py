"""The verdict that the ablation takes apart is the default one, and a score left out is one that was never there."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.generated_workflows import sessions
from benchmarks.verdict_variants import Markov, Taxicab, Variant
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.evaluation.mutations import MUTATIONS, mutated

TRAINING = sorted({*sessions(4, 300), *mutated("replace", sessions(4, 2), 1)})
WEIGHTS = [1 + len(keys) % 3 for keys in TRAINING]
TEST = [*sessions(4, 50, drawn=1), *(keys for kind in MUTATIONS for keys in mutated(kind, TRAINING[:20], 2))]


@pytest.mark.parametrize(("number", "odd"), [(400, 0), (400, 2), (50, 0)])
def test_all_parts_together_are_the_default_verdict(number: int, odd: int) -> None:
    training = sessions(4, number) + mutated("replace", sessions(4, odd), 1)
    distinct = sorted(set(training))
    weights = [training.count(keys) for keys in distinct]
    default = SessionEvidence.fit(distinct, weights, budget=0.001)
    assert bool(default.left_out_sessions) == bool(odd)
    _, strength = Variant().fit(distinct, weights, 0.001).judge(TEST)
    assert strength == pytest.approx(default.judge(TEST).strength)


@pytest.mark.parametrize("model", [Markov, Taxicab])
def test_a_session_left_out_scores_as_if_it_had_not_been_there(model: type[Markov] | type[Taxicab]) -> None:
    whole = model(TRAINING, WEIGHTS)
    for row in range(0, len(TRAINING), 29):
        fewer = [count - (place == row) for place, count in enumerate(WEIGHTS)]
        kept = [place for place, count in enumerate(fewer) if count]
        without = model([TRAINING[place] for place in kept], [fewer[place] for place in kept])
        if model is Markov:
            if len({key for place in kept for key in TRAINING[place]}) + 2 != whole.base:
                continue
            expected = without.session_scores([TRAINING[row]])
            assert whole.left_out_scores([TRAINING[row]]) == pytest.approx(expected)
        else:  # what being novel costs stays as all of training has it
            same = (without.session_scores([TRAINING[row]]) == 0) == (
                whole.left_out_scores([TRAINING[row]]) == 0
            )
            assert np.all(same)
