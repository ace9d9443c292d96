"""What a model version flags, whatever day it comes from: to hold two versions against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import SourceConfig
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.steps.fit_values import PART as VALUES
from deeplog_ops.steps.opinions import PART as OPINIONS
from deeplog_ops.steps.opinions import opinions
from deeplog_ops.steps.vouched_values import kept_series, rare_values
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.templates.catalogue import Catalogue

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Flagging:
    """A version's verdicts by the source's configuration as it is now."""

    version: ModelVersion
    source: SourceConfig

    def sequences(self, sequences: Sequence[Sequence[str]]) -> Flags:
        """Which of N sequences (aliases resolved) are anomalous: to the default verdict, or to an enabled detector."""
        if not len(sequences):
            return np.zeros(0, np.bool_)
        detection = self.source.detection
        found = self.version.evidence.judge(sequences, detection.false_alarms).strength >= 1
        part = self.version.part(OPINIONS)
        if detection.enable and part is not None:
            for each in opinions(part, sequences):
                if each.detector in detection.enable:
                    found |= each.flagged
        return found

    def kept(self, sessions: Sequence[KeptSession]) -> Flags:
        """Which of N kept sessions are anomalous, for their keys or for a value."""
        resolve = Catalogue.from_rows(self.version.catalogue).resolve
        found = self.sequences([tuple(map(resolve, session.keys or ())) for session in sessions])
        part, settings = self.version.part(VALUES), self.source.detection.values
        if part is not None and settings.enabled and len(sessions):
            for rare in rare_values(part, settings, [kept_series(sessions, resolve)]):
                found[rare.rows["unit"].to_numpy()] = True
        return found
