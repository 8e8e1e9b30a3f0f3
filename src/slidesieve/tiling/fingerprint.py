"""What a set of tiles depends on, in one hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from slidesieve.tiling.spec import TileSpec


def tiles_fingerprint(
    slide_fingerprint: str, spec: TileSpec | None, coords: NDArray[np.int64]
) -> str:
    """Hash of the slide's file, how its tiles are read and where they lie."""
    facts = json.dumps([slide_fingerprint, asdict(spec) if spec else None], sort_keys=True)
    return hashlib.sha256(facts.encode() + coords.tobytes()).hexdigest()
