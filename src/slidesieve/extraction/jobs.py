"""The features of several slides by one encoder that is loaded once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slidesieve.cohort.quarantine import refuse_failed
from slidesieve.encoders.base import Encoder
from slidesieve.errors import ContractError, SlideSieveError
from slidesieve.extraction.extractor import FeatureExtractor, encoder_identity, features_fingerprint
from slidesieve.extraction.kept import kept_path, put_into_place
from slidesieve.stages import STAGES
from slidesieve.store.atomic import sweep_partials
from slidesieve.store.checksums import slide_sha256
from slidesieve.store.features import read_feature_header, write_features
from slidesieve.store.hdf5 import is_intact, read_stage_version
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import read_tiles

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlideTask:
    """One slide of a job.

    Attributes:
        slide_id: The slide.
        path: Its image.
        tiles: Its tiles file.
        out: Where its features go.
    """

    slide_id: str
    path: Path
    tiles: Path
    out: Path


def extract_slides(
    tasks: Sequence[SlideTask], encoder: Encoder, on_slide_error: str, workers: int
) -> None:
    """Make the features file of each slide, or find it made already.

    Features that an earlier job finished from the same slide, tiles and encoder are kept, byte for
    byte; checksums of the slide and of the file itself decide. A slide that cannot be done does not
    keep the others from being done; files appear in their places once all are.

    Args:
        tasks: The slides.
        encoder: With its weights in place.
        on_slide_error: "quarantine", or "fail": unusable slides count as not done.
        workers: See `FeatureExtractor`.

    Raises:
        SlideSieveError: Names the slides that could not be done, at the end.
    """
    for task in tasks:
        sweep_partials(task.out)
        sweep_partials(kept_path(task.out))
    problems = []
    with FeatureExtractor(encoder, workers) as extractor:
        for number, task in enumerate(tasks, 1):
            log.info("slide %s, %d of %d", task.slide_id, number, len(tasks))
            try:
                _keep_features(task, encoder, on_slide_error, extractor)
            except Exception as error:  # whatever it is, the other slides are not to suffer from it
                log.exception("slide %s could not be done", task.slide_id)
                problems.append(f"{task.slide_id}: {type(error).__name__}: {error}")
    if problems:
        raise SlideSieveError(
            f"{len(problems)} of the {len(tasks)} slides of this job could not be done; "
            "the others are finished and will be kept:\n  " + "\n  ".join(problems)
        )
    for task in tasks:
        put_into_place(task.out)


def _keep_features(
    task: SlideTask, encoder: Encoder, on_slide_error: str, extractor: FeatureExtractor
) -> None:
    tiles = read_tiles(task.tiles)
    kept = kept_path(task.out)
    slide = slide_sha256(task.path)
    if _is_done(kept, slide, tiles, encoder):
        log.info("slide %s: its features are kept", task.slide_id)
        return
    kept.unlink(missing_ok=True)
    features = replace(extractor.extract(task.path, tiles), slide_sha256=slide)
    refuse_failed(features, on_slide_error)
    write_features(kept, features)


def _is_done(path: Path, slide: str, tiles: TileSet, encoder: Encoder) -> bool:
    """Whether a file holds usable features of these tiles by this encoder, made by this code."""
    if not path.exists():
        return False
    try:
        header = read_feature_header(path)
        return (
            # What could not be read may have become readable.
            (header.status, header.n_dropped, header.slide_sha256) == ("ok", 0, slide)
            and header.fingerprint == features_fingerprint(tiles, encoder_identity(encoder))
            and read_stage_version(path) == STAGES["features"]
            and is_intact(path)
        )
    except ContractError as error:
        log.warning("%s; its features are computed anew", error)
        return False
