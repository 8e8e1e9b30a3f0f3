"""The file of a slide's overview: a picture, a foot that explains it, and its scale as a note."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from slidesieve.store.atomic import atomic_path

RGB = tuple[int, int, int]
OUTLINE: RGB = (0, 130, 60)
TILE_GRID: RGB = (40, 80, 200)
LEFT_OUT: RGB = (213, 94, 0)
# Each colour of the picture and its meaning.
LEGEND = ((OUTLINE, "tissue"), (TILE_GRID, "tiles"), (LEFT_OUT, "hatched: stained, left out"))
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_QUALITY = 88
_CARD_SIZE_PX = (640, 320)
_BAR_UM_STEPS = (1, 2, 5)


class StoredOverview(NamedTuple):
    """An overview as it lies on the disk.

    Attributes:
        picture: (h, w, 3) without the foot.
        um_per_px: Scale, None where the file does not tell: of a card, or of an older version.
    """

    picture: NDArray[np.uint8]
    um_per_px: float | None


def write_overview_file(
    path: Path, rgb: NDArray[np.uint8], foot_px: int, um_per_px: float | None
) -> None:
    """Write a picture (H, W, 3) as JPEG, atomically; its foot and its scale are noted in it."""
    note = json.dumps({"foot_px": foot_px, "um_per_px": um_per_px}).encode()
    with atomic_path(path) as partial:
        Image.fromarray(rgb).save(partial, format="JPEG", quality=_QUALITY, comment=note)


def read_overview_file(path: Path) -> StoredOverview:
    """Read an overview; one without a note comes whole."""
    with Image.open(path) as image:
        comment = image.info.get("comment", b"{}")
        picture = np.asarray(image.convert("RGB"))
    try:
        note = json.loads(comment)
    except ValueError:  # somebody else's comment
        note = {}
    height = len(picture) - int(note.get("foot_px", 0))
    return StoredOverview(picture[:height], note.get("um_per_px"))


def with_foot(rgb: NDArray[np.uint8], name: str, um_per_px: float) -> NDArray[np.uint8]:
    """Put a foot of white below a picture: its name, a scale bar and the legend.

    Args:
        rgb: (H, W, 3).
        name: Of the slide.
        um_per_px: Scale of the picture.
    """
    width = rgb.shape[1]
    size = max(11, width // 64)
    foot = Image.new("RGB", (width, 4 * size), _WHITE)
    draw, font = ImageDraw.Draw(foot), ImageFont.load_default(size)
    bar_um = round_length_um(width * um_per_px / 4)
    bar_px = round(bar_um / um_per_px)
    left, first, second = size // 2, size, 3 * size
    draw.text((left, first), name, _BLACK, font, anchor="lm")
    right = width - left
    draw.line((right - bar_px, first, right, first), _BLACK, max(2, size // 6))
    words = length_words(bar_um)
    draw.text((right - bar_px - left, first), words, _BLACK, font, anchor="rm")
    x: float = left
    for colour, words in LEGEND:
        draw.rectangle((x, second - size / 2, x + size, second + size / 2), None, colour, 3)
        if colour == LEFT_OUT:
            draw.line((x, second + size / 2, x + size, second - size / 2), colour, 3)
        draw.text((x + 1.5 * size, second), words, _BLACK, font, anchor="lm")
        x += 3 * size + draw.textlength(words, font)
    return np.concatenate([rgb, np.asarray(foot)])


def card(text: str) -> NDArray[np.uint8]:
    """Return a picture that holds a text in place of a slide, (h, w, 3)."""
    picture = Image.new("RGB", _CARD_SIZE_PX, (245, 245, 245))
    lines = "\n".join(textwrap.wrap(text, 52)[:10])
    ImageDraw.Draw(picture).multiline_text(
        (20, 20), lines, _BLACK, ImageFont.load_default(20), spacing=8
    )
    return np.asarray(picture)


def round_length_um(longest_um: float) -> float:
    """Return the longest of 1, 2 or 5 times a power of ten that fits."""
    power = 10 ** np.floor(np.log10(longest_um))
    return float(max(step * power for step in _BAR_UM_STEPS if step * power <= longest_um))


def length_words(um: float) -> str:
    """Say a length in mm: Pillow's own font has no µ."""
    return f"{um / 1000:g} mm"
