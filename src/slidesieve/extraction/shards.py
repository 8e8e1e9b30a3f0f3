"""Which slides are computed together in one job."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def shards_of(slide_ids: Sequence[str], slides_per_job: int) -> dict[str, list[str]]:
    """Divide slides into shards that stay as they are when the cohort changes elsewhere.

    A shard is all slides whose hash begins with the same bits, and takes as many bits as it needs
    to be small enough (extendible hashing). So a slide's shard does not depend on its place in the
    sheet, and a slide that comes or goes touches one shard, or two where one divides or two join.

    Args:
        slide_ids: The cohort, in any order.
        slides_per_job: Most slides in a shard; shards are about 0.7 full on average.

    Returns:
        Slides of each shard, in the order given, by the bits they have in common ("all" if there
        is one shard).
    """
    return _divide(
        list(slide_ids), {slide: _bits(slide) for slide in slide_ids}, "", slides_per_job
    )


def _divide(
    slides: list[str], bits: dict[str, str], prefix: str, most: int
) -> dict[str, list[str]]:
    if len(slides) <= most:
        return {prefix or "all": slides} if slides else {}
    halves = (
        ([slide for slide in slides if bits[slide][len(prefix)] == bit], prefix + bit)
        for bit in "01"
    )
    return {
        name: shard
        for half, longer in halves
        for name, shard in _divide(half, bits, longer, most).items()
    }


def _bits(slide_id: str) -> str:
    digest = hashlib.sha256(slide_id.encode()).digest()
    return f"{int.from_bytes(digest, 'big'):0256b}"
