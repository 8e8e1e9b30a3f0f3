"""The features stage: every tile of a slide through an encoder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.base import Encoder
from slidesieve.errors import ContractError, SlideError
from slidesieve.extraction.processes import CAN_FORK, EncoderProcesses
from slidesieve.runtime.progress import Progress
from slidesieve.runtime.thread_pool import prefetched
from slidesieve.store.features import FeatureSet
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import coords_attributes
from slidesieve.tiling.stream import CHUNK_TILES, TileChunk, stream_tiles

log = logging.getLogger(__name__)

_DTYPES = {"fp32": np.float32, "fp16": np.float16, "bf16": np.float32}


@dataclass(frozen=True)
class _Encoded:
    """Features (n, D) of some rows (n,) of a tile set."""

    rows: NDArray[np.int64]
    features: NDArray[np.float32]


class FeatureExtractor:
    """Encodes the tiles of slide after slide; use it as a context manager.

    Threads decode ahead while the encoder computes. An encoder that resizes tiles gets them as they
    lie on their level, so that they are resized once, by its own interpolation. One that
    `runs_in_workers` does so in processes, which live from the first slide to the last.

    Args:
        encoder: What encodes; its `precision` is also that of the stored features.
        workers: Number of threads that read, and of processes that encode if there are any.
        batch_size: Tiles given to the encoder at once, unless it runs in workers.
    """

    def __init__(self, encoder: Encoder, workers: int = 2, batch_size: int = 64) -> None:
        self._encoder = encoder
        self._workers = workers
        self._batch_size = batch_size
        self._processes: EncoderProcesses | None = None
        self._until_closed = ExitStack()

    def __enter__(self) -> FeatureExtractor:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_processes()

    def extract(self, path: Path, tiles: TileSet) -> FeatureSet:
        """Encode all tiles of a slide.

        Tiles that cannot be decoded are left out and counted, never replaced. The order of the
        tiles is kept, and the result does not depend on the number of workers.

        Args:
            path: The slide.
            tiles: Its tiles; if their status is not "ok", so is that of the features.

        Returns:
            The features. If the slide cannot be opened, or not one tile decoded, there are none and
            status and reason say why.

        Raises:
            ContractError: The encoder gave NaN or infinity, or numbers too large for its precision.
        """
        encoder = self._encoder
        if tiles.status != "ok":
            return _feature_set(tiles, encoder, status=tiles.status, reason=tiles.reason)
        try:
            encoded = self._encode(path, _for_encoder(tiles, encoder))
        except SlideError as error:
            return _feature_set(tiles, encoder, status="failed", reason=str(error))
        n_dropped = len(tiles.coords) - len(encoded.rows)
        if len(tiles.coords) and not len(encoded.rows):
            reason = f"none of the {n_dropped} tiles could be decoded"
            return _feature_set(tiles, encoder, status="failed", reason=reason, n_dropped=n_dropped)
        if n_dropped:
            log.warning(
                "slide %s: %d of %d tiles left out", tiles.slide_id, n_dropped, len(tiles.coords)
            )
        features = store_as(encoded.features, encoder, tiles.slide_id)
        return _feature_set(
            tiles, encoder, features, tiles.coords[encoded.rows], n_dropped=n_dropped
        )

    def _encode(self, path: Path, tiles: TileSet) -> _Encoded:
        parts = [_Encoded(np.zeros(0, np.int64), np.zeros((0, self._encoder.dim), np.float32))]
        progress = Progress(f"slide {tiles.slide_id}", len(tiles.coords), "tiles")
        with closing(self._parts(path, tiles)) as encoded:
            for part in encoded:
                parts.append(part)
                progress.update(len(part.rows))
        return _Encoded(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.features for part in parts]),
        )

    def _parts(self, path: Path, tiles: TileSet) -> Generator[_Encoded, None, None]:
        """Yield features part after part, in the order of the tiles; threads read ahead."""
        encoder = self._encoder
        if not encoder.runs_in_workers:
            return self._in_main_thread(path, tiles)
        if self._workers == 1 or not CAN_FORK:
            return stream_tiles(
                path,
                tiles,
                self._workers,
                process=lambda chunk: _Encoded(chunk.rows, encoder.encode(chunk.images)),
            )
        return self._in_processes(path, tiles)

    def _in_main_thread(self, path: Path, tiles: TileSet) -> Generator[_Encoded, None, None]:
        chunks = stream_tiles(path, tiles, self._workers, process=lambda chunk: chunk)
        with prefetched(_in_batches(chunks, self._batch_size), "batches") as batches:
            for batch in batches:
                yield _Encoded(batch.rows, self._encoder.encode(batch.images))

    def _in_processes(self, path: Path, tiles: TileSet) -> Generator[_Encoded, None, None]:
        processes = self._processes_for(tiles.known_spec.tile_px)

        def start(chunk: TileChunk) -> tuple[NDArray[np.int64], Future[NDArray[np.float32]]]:
            return chunk.rows, processes.submit(chunk.images)

        try:
            with closing(stream_tiles(path, tiles, self._workers, process=start)) as started:
                for rows, features in started:
                    yield _Encoded(rows, features.result())
        except BrokenExecutor:
            # One of them was killed: the next slide gets new ones.
            self._end_processes()
            raise

    def _processes_for(self, tile_px: int) -> EncoderProcesses:
        shape = (CHUNK_TILES, tile_px, tile_px, 3)
        if self._processes is None or self._processes.batch_shape != shape:
            self._end_processes()
            processes = EncoderProcesses(self._encoder, self._workers, shape)
            self._processes = self._until_closed.enter_context(processes)
        return self._processes

    def _end_processes(self) -> None:
        self._processes = None
        self._until_closed.close()


def extract_features(
    path: Path, tiles: TileSet, encoder: Encoder, workers: int = 2, batch_size: int = 64
) -> FeatureSet:
    """Encode all tiles of one slide, see `FeatureExtractor`."""
    with FeatureExtractor(encoder, workers, batch_size) as extractor:
        return extractor.extract(path, tiles)


def store_as(
    features: NDArray[np.float32], encoder: Encoder, slide_id: str
) -> NDArray[np.floating]:
    """Cast features to the stored precision.

    Raises:
        ContractError: Some are not finite, before or after.
    """
    with np.errstate(over="ignore"):
        stored = features.astype(_DTYPES[encoder.precision])
    if np.isfinite(stored).all():
        return stored
    row, column = (int(index) for index in np.argwhere(~np.isfinite(stored))[0])
    value = features[row, column]
    where = f"slide {slide_id}: feature {column} of tile {row} from encoder {encoder.name}"
    if np.isfinite(value):
        raise ContractError(f"{where} is {value:g}, too large for fp16: set `precision: fp32`")
    raise ContractError(
        f"{where} is {value}: set `precision: fp32` if it computes in fp16, or check its weights"
    )


def encoder_identity(encoder: Encoder) -> tuple[str, ...]:
    """The identity of an encoder's features, in the order of the features file."""
    return (
        encoder.name,
        encoder.revision,
        encoder.transform,
        encoder.pooling,
        encoder.precision,
    )


def features_fingerprint(tiles: TileSet, identity: Sequence[str]) -> str:
    """Hash of all that the features depend on: the slide, where its tiles lie, who encodes them.

    Args:
        tiles: The tiles.
        identity: The encoder's, see `encoder_identity`.
    """
    facts = {
        "slide": tiles.fingerprint,
        "coords": hashlib.sha256(tiles.coords.astype("<i8").tobytes()).hexdigest(),
        "spec": asdict(tiles.spec) if tiles.spec else None,
        "encoder": list(identity),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _for_encoder(tiles: TileSet, encoder: Encoder) -> TileSet:
    return tiles if encoder.tile_px is None else replace(tiles, spec=tiles.known_spec.as_read)


def _in_batches(chunks: Iterator[TileChunk], batch_size: int) -> Iterator[TileChunk]:
    """Join small chunks into batches of `batch_size` tiles; the last may be smaller."""
    held: list[TileChunk] = []
    for chunk in chunks:
        held.append(chunk)
        while sum(len(part.rows) for part in held) >= batch_size:
            joined = _join(held)
            yield TileChunk(joined.rows[:batch_size], joined.images[:batch_size])
            held = [TileChunk(joined.rows[batch_size:], joined.images[batch_size:])]
    if any(len(part.rows) for part in held):
        yield _join(held)


def _join(chunks: list[TileChunk]) -> TileChunk:
    return TileChunk(
        np.concatenate([chunk.rows for chunk in chunks]),
        np.concatenate([chunk.images for chunk in chunks]),
    )


def _feature_set(
    tiles: TileSet,
    encoder: Encoder,
    features: NDArray[np.floating] | None = None,
    coords: NDArray[np.int64] | None = None,
    status: str = "ok",
    reason: str = "",
    n_dropped: int = 0,
) -> FeatureSet:
    if features is None or coords is None:
        features = np.zeros((0, encoder.dim), dtype=_DTYPES[encoder.precision])
        coords = np.zeros((0, 2), dtype=np.int64)
    return FeatureSet(
        slide_id=tiles.slide_id,
        features=features,
        coords=coords,
        encoder=encoder.name,
        encoder_revision=encoder.revision,
        encoder_source=encoder.source,
        transform=encoder.transform,
        pooling=encoder.pooling,
        precision=encoder.precision,
        status=status,
        reason=reason,
        fingerprint=features_fingerprint(tiles, encoder_identity(encoder)),
        n_dropped=n_dropped,
        tile_attributes=coords_attributes(tiles),
        reader=tiles.reader,
    )
