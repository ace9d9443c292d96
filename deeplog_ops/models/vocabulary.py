"""Log keys as small integers, with the three symbols that are no key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.errors import ModelError

BOS = 0  # stands before a session's first key
EOS = 1  # stands after its last
ESCAPE = 2  # any key that training did not see
_SYMBOLS = 3

END = ""  # how the end of a session is written where keys are listed; no template has it as its id


@dataclass(frozen=True)
class Vocabulary:
    """The keys of training, sorted; behind them those that were learnt later. Aliases are resolved by the caller, in
    training and scoring alike."""

    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.keys)) != len(self.keys):
            raise ModelError("the vocabulary names a key twice: each key must stand once")

    @classmethod
    def of(cls, sequences: Iterable[Iterable[str]]) -> Vocabulary:
        return cls(tuple(sorted({key for sequence in sequences for key in sequence})))

    def with_keys_of(self, sequences: Iterable[Iterable[str]]) -> Vocabulary:
        """The same with the new keys of these sequences, sorted, behind its own: no symbol changes its number."""
        new = {key for sequence in sequences for key in sequence}.difference(self.keys)
        return Vocabulary((*self.keys, *sorted(new)))

    def __len__(self) -> int:
        """The number of symbols: the keys and BOS, EOS, ESCAPE."""
        return len(self.keys) + _SYMBOLS

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {key: number for number, key in enumerate(self.keys, _SYMBOLS)}

    def encode(self, sequence: Sequence[str]) -> NDArray[np.int32]:
        """Keys to symbols, ESCAPE for those not in training."""
        numbers = self._numbers
        return np.fromiter((numbers.get(key, ESCAPE) for key in sequence), np.int32, len(sequence))

    def key(self, symbol: int) -> str | None:
        """The key of a symbol; None for BOS, EOS and ESCAPE."""
        return self.keys[symbol - _SYMBOLS] if symbol >= _SYMBOLS else None

    def to_dict(self) -> dict[str, list[str]]:
        return {"keys": list(self.keys)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Sequence[str]]) -> Vocabulary:
        try:
            return cls(tuple(data["keys"]))
        except KeyError as error:
            raise ModelError("a vocabulary needs `keys`, a list of template ids") from error
