"""A part of a model version: what one estimator learnt, as plain data and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ModelPart:
    """`data` is plain JSON (no NaN), `arrays` go beside it as safetensors. Both the same for equal training."""

    data: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
