"""Programs whose sessions are long and never alike: each step is drawn from those that may follow the one before.

So are traces of system calls, of what people click, of a busy machine's hours: there is no order to learn but which
step may follow which, and no count that two sessions share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KeySequence = tuple[str, ...]

KEYS = 120
KEYS_OF_ONE = (15, 50)  # of a program: at least so many, and fewer than the other
SPREAD = 0.5  # of the logarithm of a session's length
FOREIGN_PART = 0.2  # of a foreign session, within one of a known program


@dataclass(frozen=True)
class Program:
    """`following[step]` are the keys that may come after a step, `chances` how likely each is."""

    following: dict[int, np.ndarray]
    chances: dict[int, np.ndarray]
    first: int
    length: int  # median of its sessions

    @classmethod
    def drawn(
        cls, generator: np.random.Generator, usual: np.ndarray, branches: int, lengths: tuple[int, int]
    ) -> Program:
        """`usual` (KEYS,) says how likely programs are to have each key."""
        steps = generator.choice(KEYS, generator.integers(*KEYS_OF_ONE), replace=False, p=usual)
        many = min(branches, len(steps))
        following = {int(step): generator.choice(steps, many, replace=False) for step in steps}
        chances = {step: generator.dirichlet(np.full(many, 0.7)) for step in following}
        return cls(following, chances, int(steps[0]), int(generator.integers(*lengths)))

    def session(self, generator: np.random.Generator) -> KeySequence:
        length = max(5, int(self.length * generator.lognormal(0, SPREAD)))
        step, keys = self.first, []
        for _ in range(length):
            keys.append(f"step {step:03}")
            step = int(generator.choice(self.following[step], p=self.chances[step]))
        return tuple(keys)


@dataclass(frozen=True)
class Machine:
    """Some programs that run, and foreign ones with the same keys that never should."""

    programs: tuple[Program, ...]
    foreign: tuple[Program, ...]

    @classmethod
    def drawn(cls, seed: int, programs: int, branches: int, lengths: tuple[int, int]) -> Machine:
        generator = np.random.default_rng(seed)
        usual = generator.dirichlet(np.full(KEYS, 0.3)) + 1e-4
        usual /= usual.sum()
        made = [Program.drawn(generator, usual, branches, lengths) for _ in range(programs + 5)]
        return cls(tuple(made[:programs]), tuple(made[programs:]))

    def normal(self, generator: np.random.Generator, number: int) -> list[KeySequence]:
        return [_of(self.programs, generator) for _ in range(number)]

    def strange(self, generator: np.random.Generator, number: int) -> list[KeySequence]:
        """Sessions of the foreign programs."""
        return [_of(self.foreign, generator) for _ in range(number)]

    def intruded(self, generator: np.random.Generator, number: int) -> list[KeySequence]:
        """Normal sessions with the beginning of a foreign one, 10 steps at least, at some place."""
        found = []
        for own, other in zip(self.normal(generator, number), self.strange(generator, number), strict=True):
            place = int(generator.integers(len(own)))
            part = other[: max(10, int(len(other) * FOREIGN_PART))]
            found.append(own[:place] + part + own[place:])
        return found


def _of(programs: tuple[Program, ...], generator: np.random.Generator) -> KeySequence:
    return programs[generator.integers(len(programs))].session(generator)
