"""Sessions of keys, as they were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deeplog_ops.sequences.time_windows import time_windows

if TYPE_CHECKING:
    import pandas as pd

MANY_KEYS = 1_000  # more are suspicious
EVENTS_A_KEY = 5  # when each came less often than this, on average


@dataclass(frozen=True)
class KeyedSessions:
    """N sessions in the order of their file. A session may have no keys at all.

    `labels` are 0 for normal and anything else for anomalous, None where the file has none.
    """

    names: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    labels: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def anomalous(self) -> NDArray[np.bool_]:
        """What the labels say (N,); without labels nothing is."""
        return np.array(self.labels if self.labels is not None else [0] * len(self), bool)

    @property
    def hardly_keys(self) -> bool:
        """So many distinct keys that they are rather the words of raw lines."""
        distinct = len({key for keys in self.keys for key in keys})
        return distinct > MANY_KEYS and distinct * EVENTS_A_KEY > sum(map(len, self.keys))

    def where(self, chosen: ArrayLike) -> KeyedSessions:
        """Those for which `chosen` (N,) is true."""
        rows = np.flatnonzero(np.asarray(chosen, bool)).tolist()
        return KeyedSessions(
            tuple(self.names[row] for row in rows),
            tuple(self.keys[row] for row in rows),
            None if self.labels is None else tuple(self.labels[row] for row in rows),
        )

    @classmethod
    def joined(cls, parts: Sequence[KeyedSessions]) -> KeyedSessions:
        """Those of several files in one; labelled when all of them are."""
        labelled = [part.labels for part in parts if part.labels is not None]
        return cls(
            tuple(name for part in parts for name in part.names),
            tuple(keys for part in parts for keys in part.keys),
            tuple(label for labels in labelled for label in labels) if len(labelled) == len(parts) else None,
        )

    @classmethod
    def of_events(cls, events: pd.DataFrame, timeout: float | None) -> KeyedSessions:
        """The events of each machine in the order of time, cut where nothing came for longer than `timeout` s.

        Columns as `readers.read_events` gives them. A session is anomalous when any of its events is. The
        second piece of a machine is named machine#2, and so on.
        """
        machine = events["machine"].to_numpy()
        time = events["timestamp"].to_numpy(float)
        codes, names = _codes(machine)
        order = np.lexsort((np.arange(len(time)), time, codes))
        codes, time = codes[order], time[order]
        begins = np.ones(len(order), bool)
        begins[1:] = codes[1:] != codes[:-1]
        if timeout is not None:
            begins[1:] |= np.diff(time) > timeout
        first = np.flatnonzero(begins)
        keys = events["event"].astype(str).to_numpy()[order]
        labels = events["label"].to_numpy(np.int64)[order] if "label" in events else None
        piece = np.arange(len(first)) - np.searchsorted(codes[first], codes[first], side="left")
        ends = np.append(first[1:], len(order))[: len(first)]
        return cls(
            tuple(
                names[code] if number == 0 else f"{names[code]}#{number + 1}"
                for code, number in zip(codes[first].tolist(), piece.tolist(), strict=True)
            ),
            tuple(tuple(keys[a:b].tolist()) for a, b in zip(first.tolist(), ends.tolist(), strict=True)),
            None if labels is None else tuple(_worst(labels[a:b]) for a, b in zip(first, ends, strict=True)),
        )

    @classmethod
    def of_windows(cls, events: pd.DataFrame, width: float, step: float | None) -> KeyedSessions:
        """The events of all machines in windows of `width` seconds that begin every `step`: see `time_windows`.

        A window is named by when it begins, and is anomalous when any of its events is.
        """
        windows = time_windows(events["timestamp"].to_numpy(float), events["event"].tolist(), width, step)
        labels = events["label"].to_numpy(np.int64) if "label" in events else None
        return cls(
            tuple(f"{window.start:.15g}" for window in windows),
            tuple(window.keys for window in windows),
            None if labels is None else tuple(_worst(labels[list(window.events)]) for window in windows),
        )


def _codes(values: NDArray[np.object_]) -> tuple[NDArray[np.int64], list[str]]:
    """A number for each value, in the order of their first appearance."""
    seen: dict[str, int] = {}
    codes = np.array([seen.setdefault(str(value), len(seen)) for value in values.tolist()], np.int64)
    return codes, list(seen)


def _worst(labels: NDArray[np.int64]) -> int:
    odd = labels[labels != 0]
    return int(odd[0]) if len(odd) else 0
