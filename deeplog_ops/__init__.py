"""deeplog-ops: a nightly platform that finds anomalies in logs, after DeepLog (Du et al., CCS'17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deeplog_ops.keyed.detector import DeepLog as DeepLog
    from deeplog_ops.keyed.preprocessor import Preprocessor as Preprocessor

__version__ = "0.1.0"

# Imported when asked for: with the package itself come neither torch nor scikit-learn.
_LAZY = {"DeepLog": "deeplog_ops.keyed.detector", "Preprocessor": "deeplog_ops.keyed.preprocessor"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
