"""JPEG tiles of a TIFF made whole: tables put back, colour space stated, size checked.

TIFF keeps the colour space in a tag and may keep the tables apart. A decoder of whole JPEGs is told
of both by a new head: start, Adobe marker with the colour transform, shared tables, the tile's own
tables, frame header. Everything before the scan is looked at, so no decoder sees a size that the
file's tags did not announce.
"""

from __future__ import annotations

from collections.abc import Iterator

_START, _END, _SCAN, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_TABLES = (0xDB, 0xC4, 0xDD)  # quantisation, Huffman, restart interval
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended and progressive, all Huffman-coded
_APPLICATIONS = range(0xE0, 0xF0)
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"


def whole_head(head: bytes, tables: bytes, is_ycbcr: bool, width: int, height: int) -> bytes:
    """Build the head of a whole JPEG, up to its first scan.

    Args:
        head: What a tile starts with, up to its first scan, see `head_length`.
        tables: From `tables_body`.
        is_ycbcr: Whether its components are YCbCr; RGB otherwise.
        width: Width it must have, px.
        height: Height it must have, px.

    Raises:
        ValueError: It is not an 8-bit JPEG of three components and that size.
    """
    kept = []
    has_frame = False
    for marker, segment in _segments(head):
        if marker in _FRAMES:
            size = int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big")
            if has_frame or segment[4] != 8 or size != (width, height) or segment[9] != 3:
                raise ValueError("not one 8-bit frame of three components and the due size")
            has_frame = True
        elif _says_nothing(marker, segment):
            continue
        elif marker not in _TABLES:
            raise ValueError(f"marker {marker:#x}")
        kept.append(segment)
    if not has_frame:
        raise ValueError("no frame")
    return b"\xff\xd8" + _ADOBE + bytes([is_ycbcr]) + tables + b"".join(kept)


def tables_body(tables: bytes) -> bytes:
    """The segments of an abbreviated JPEG of tables alone, without start and end.

    Raises:
        ValueError: It holds anything but tables.
    """
    if tables[-2:] != bytes((0xFF, _END)):
        raise ValueError("no end marker")
    kept = []
    for marker, segment in _segments(tables[:-2]):
        if _says_nothing(marker, segment):
            continue
        if marker not in _TABLES:
            raise ValueError(f"marker {marker:#x}")
        kept.append(segment)
    return b"".join(kept)


def head_length(data: bytes) -> int:
    """Bytes of a JPEG before its first scan.

    Raises:
        ValueError: It has none.
    """
    position = 2
    while True:
        if data[position : position + 1] != b"\xff":
            raise ValueError("no marker where one is due")
        marker = data[position + 1 : position + 2]
        if marker == bytes((_SCAN,)):
            return position
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if length < 2 or position + 2 + length > len(data):
            raise ValueError("a segment runs past the end")
        position += 2 + length


def _says_nothing(marker: int, segment: bytes) -> bool:
    """Whether a decoder that is told the colour space can do without a segment.

    Raises:
        ValueError: It is one that libjpeg would warn of, and so OpenSlide refuse.
    """
    if segment[4:9] == b"JFIF\0" and segment[9:10] not in (b"\1", b"\2"):
        raise ValueError("unknown JFIF revision")
    if segment[4:9] == b"Adobe" and segment[15:16] not in (b"\0", b"\1"):
        raise ValueError("unknown Adobe transform")
    return marker in _APPLICATIONS or marker == _COMMENT


def _segments(head: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker with its whole segment, after the start marker."""
    if head[:2] != bytes((0xFF, _START)):
        raise ValueError("no start marker")
    position = 2
    while position < len(head):
        length = int.from_bytes(head[position + 2 : position + 4], "big")
        segment = head[position : position + 2 + length]
        if segment[:1] != b"\xff" or length < 2 or len(segment) < 2 + length:
            raise ValueError("a broken segment")
        if segment[1] in _FRAMES and len(segment) < 10:
            raise ValueError("a short frame header")
        yield segment[1], segment
        position += 2 + length
