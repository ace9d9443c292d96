"""A next-key model that counts: exact, after the longest context of at most ten keys that came often enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Keys = tuple[str, ...]
BOS = "\0"


class CountingModel:
    def __init__(self, sessions: Sequence[Sequence[str]], order: int = 10, least: int = 5) -> None:
        self.order, self.least = order, least
        self.counts: dict[Keys, Counter[str]] = {}
        for session in sessions:
            padded = (BOS, *session)
            for place, key in enumerate([*session, ""], 1):
                for start in range(max(0, place - order), place + 1):
                    self.counts.setdefault(padded[start:place], Counter())[key] += 1

    def __call__(self, histories: Sequence[Keys]) -> list[dict[str, float]]:
        return [self._after((BOS, *history)) for history in histories]

    def _after(self, history: Keys) -> dict[str, float]:
        for start in range(max(0, len(history) - self.order), len(history) + 1):
            found = self.counts.get(history[start:])
            if found and (sum(found.values()) >= self.least or start == len(history)):
                total = sum(found.values())
                return {key: count / total for key, count in found.items()}
        return {}
