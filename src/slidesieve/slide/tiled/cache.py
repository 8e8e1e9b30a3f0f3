"""Decoded tiles shared by threads: each decoded by the first that asks, kept while it is needed."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from slidesieve.slide.tiled.decode import StoredTileError

TileKey = tuple[int, int]  # level and number of the tile


class _Entry:
    """A decoded tile, or why there is none; locked while the first thread decodes it."""

    __slots__ = ("counted_bytes", "error", "pixels", "ready")

    def __init__(self) -> None:
        self.ready = threading.Lock()
        self.ready.acquire()
        self.pixels: NDArray[np.uint8] | None = None
        self.error = StoredTileError("not decoded")
        self.counted_bytes = 0


class TileCache:
    """Decoded tiles by key.

    A tile whose uses were announced is dropped after the last of them. Beyond the budget the tiles
    used longest ago go, whatever was announced.

    Args:
        decode: From a key to pixels, or StoredTileError; called outside all locks.
        budget_bytes: Most pixels to keep.
    """

    def __init__(self, decode: Callable[[TileKey], NDArray[np.uint8]], budget_bytes: int) -> None:
        self._decode = decode
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[TileKey, _Entry] = OrderedDict()
        self._uses_left: Counter[TileKey] = Counter()
        self._bytes = 0
        self.n_decoded = 0

    def announce(self, uses: Mapping[TileKey, int]) -> None:
        """State how many uses each tile will have; each ends with a call of `release`."""
        with self._lock:
            self._uses_left.update(uses)

    def get(self, key: TileKey) -> NDArray[np.uint8]:
        """The tile of a key, decoded now if nobody did.

        Raises:
            StoredTileError: It cannot be decoded, now or when first asked for.
        """
        with self._lock:
            entry = self._entries.get(key)
            is_mine = entry is None
            if entry is None:
                entry = self._entries[key] = _Entry()
                self.n_decoded += 1
            else:
                self._entries.move_to_end(key)
        if is_mine:
            self._fill(key, entry)
        else:
            with entry.ready:
                pass
        if entry.pixels is None:
            raise type(entry.error)(*entry.error.args)
        return entry.pixels

    def claim(self, key: TileKey) -> bool:
        """Whether the caller is to decode a tile itself: its last announced use, kept by nobody."""
        with self._lock:
            is_mine = self._uses_left[key] == 1 and key not in self._entries
            self.n_decoded += is_mine
            return is_mine

    def release(self, keys: Iterable[TileKey]) -> None:
        """End one announced use of each tile."""
        with self._lock:
            for key in keys:
                left = self._uses_left[key] - 1
                if left > 0:
                    self._uses_left[key] = left
                    continue
                del self._uses_left[key]
                if left == 0:
                    self._drop(key)

    def _fill(self, key: TileKey, entry: _Entry) -> None:
        try:
            entry.pixels = self._decode(key)
        except StoredTileError as error:
            entry.error = error
        except BaseException as error:
            entry.error = StoredTileError(repr(error))
            raise
        finally:
            entry.ready.release()
        if entry.pixels is None:
            return
        with self._lock:
            if self._entries.get(key) is not entry:
                return
            entry.counted_bytes = entry.pixels.nbytes
            self._bytes += entry.counted_bytes
            while self._bytes > self._budget and len(self._entries) > 1:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: TileKey) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.counted_bytes
