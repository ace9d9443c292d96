"""Normal sessions of workflows that are known, what goes wrong with them, and the share that is flagged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np

from deeplog_ops.detection.session_evidence import SessionEvidence

Session = tuple[str, ...]

FIXED = ("start", "lock", "read", "check", "write", "free", "close", "end")


@dataclass(frozen=True)
class Block:
    """A step, or blocks in sequence, woven at random, of which one is chosen, or of which the only one is repeated."""

    kind: str
    name: str = ""
    parts: tuple[Block, ...] = ()
    chances: tuple[float, ...] = ()

    def draw(self, generator: np.random.Generator) -> list[str]:
        if self.kind == "step":
            return [self.name]
        if self.kind == "choice":
            return self.parts[generator.choice(len(self.parts), p=self.chances)].draw(generator)
        if self.kind == "loop":
            return [
                key
                for _ in range(generator.geometric(self.chances[0]))
                for key in self.parts[0].draw(generator)
            ]
        drawn = [part.draw(generator) for part in self.parts]
        if self.kind == "sequence":
            return [key for keys in drawn for key in keys]
        turns = generator.permutation(np.repeat(np.arange(len(drawn)), [len(keys) for keys in drawn]))
        branches = [iter(keys) for keys in drawn]
        return [next(branches[turn]) for turn in turns]


def workflow(seed: int) -> Block:
    """A random workflow of about 15 steps, which begins and ends with a step of its own."""
    generator, names = np.random.default_rng(seed), count()

    def step() -> Block:
        return Block("step", f"step {next(names):02}")

    def block(depth: int) -> Block:
        kinds = ["step", "sequence", "fork", "choice", "loop"]
        kind = generator.choice(kinds, p=[0.35, 0.25, 0.2, 0.1, 0.1]) if depth else "step"
        if kind == "step":
            return step()
        if kind == "loop":
            return Block("loop", parts=(block(0),), chances=(generator.uniform(0.4, 0.8),))
        parts = tuple(block(depth - 1) for _ in range(generator.integers(2, 4)))
        return Block(kind, parts=parts, chances=tuple(generator.dirichlet([3] * len(parts))))

    middle = tuple(block(2) for _ in range(4))
    return Block("sequence", parts=(step(), *middle, step()))


def sessions(seed: int, number: int, drawn: int = 0) -> list[Session]:
    """So many sessions of the workflow `seed`; another `drawn` gives others."""
    generator, known = np.random.default_rng([seed, drawn]), workflow(seed)
    return [tuple(known.draw(generator)) for _ in range(number)]


def transfer(generator: np.random.Generator) -> Session:
    """A file is locked, read and freed while its owner is let in; then it is written any number of times."""
    branches = Block(
        "fork",
        parts=tuple(
            Block("sequence", parts=tuple(Block("step", name) for name in names))
            for names in (("lock", "read", "free"), ("auth", "grant"))
        ),
    )
    flush = ["flush"] if generator.random() < 0.3 else []
    writes = ["write"] * generator.geometric(0.4)
    return ("start", *branches.draw(generator), *writes, *flush, "close", "end")


def transfers(number: int, seed: int = 0) -> list[Session]:
    generator = np.random.default_rng([77, seed])
    return [transfer(generator) for _ in range(number)]


def without(session: Session, key: str) -> Session:
    place = session.index(key)
    return session[:place] + session[place + 1 :]


def doubled(session: Session, key: str) -> Session:
    place = session.index(key)
    return (*session[:place], key, *session[place:])


def fitted(
    training: list[Session], weights: list[int] | None = None, budget: float = 0.001
) -> SessionEvidence:
    return SessionEvidence.fit(training, None if weights is None else weights[: len(training)], budget=budget)


def flagged(evidence: SessionEvidence, asked: list[Session], budget: float | None = None) -> float:
    return float((evidence.judge(asked, budget).strength >= 1).mean())
