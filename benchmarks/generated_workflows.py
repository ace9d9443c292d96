"""Random workflows and sessions of them: steps in sequence, branches at once, choices, loops."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np

KeySequence = tuple[str, ...]
Draw = Callable[[np.random.Generator], list[str]]


def workflow(seed: int) -> Draw:
    """About 15 steps, the first and the last on their own; a function that writes one session of it."""
    generator, names = np.random.default_rng(seed), count()
    middle = [_block(generator, names, 2) for _ in range(4)]
    return _sequence([_step(names), *middle, _step(names)])


def sessions(seed: int, number: int, drawn: int = 0) -> list[KeySequence]:
    """So many sessions of the workflow `seed`; another `drawn` gives others."""
    generator, known = np.random.default_rng([seed, drawn]), workflow(seed)
    return [tuple(known(generator)) for _ in range(number)]


def _block(generator: np.random.Generator, names: count[int], depth: int) -> Draw:
    kinds = ["step", "sequence", "fork", "choice", "loop"]
    kind = generator.choice(kinds, p=[0.35, 0.25, 0.2, 0.1, 0.1]) if depth else "step"
    if kind == "step":
        return _step(names)
    if kind == "loop":
        return _loop(_step(names), generator.uniform(0.4, 0.8))
    parts = [_block(generator, names, depth - 1) for _ in range(generator.integers(2, 4))]
    if kind == "sequence":
        return _sequence(parts)
    if kind == "fork":
        return _fork(parts)
    chances = generator.dirichlet([3] * len(parts))
    return lambda draws: parts[draws.choice(len(parts), p=chances)](draws)


def _step(names: count[int]) -> Draw:
    name = f"step {next(names):02}"
    return lambda draws: [name]


def _sequence(parts: list[Draw]) -> Draw:
    return lambda draws: [key for part in parts for key in part(draws)]


def _loop(body: Draw, ends: float) -> Draw:
    return lambda draws: [key for _ in range(draws.geometric(ends)) for key in body(draws)]


def _fork(parts: list[Draw]) -> Draw:
    def weave(draws: np.random.Generator) -> list[str]:
        drawn = [part(draws) for part in parts]
        turns = draws.permutation(np.repeat(np.arange(len(drawn)), [len(keys) for keys in drawn]))
        branches = [iter(keys) for keys in drawn]
        return [next(branches[turn]) for turn in turns]

    return weave
