"""The labelled tiles that mosaics are made of."""

from __future__ import annotations

from pathlib import Path

import cv2
import pandas as pd

from slidesieve.store.tables import read_csv, write_csv
from slidesieve.synthetic.mosaic.tiles import LabelledTile, read_labelled_tiles

_CROP_PX = 125
_FEWEST_EPITHELIAL = 6


def tiles_of(
    folders: tuple[str, ...], labels: tuple[str, ...], data: Path, cache: Path
) -> list[LabelledTile]:
    """List the tiles of some folders that have one of two labels.

    Args:
        folders: "colon", or folders of `data / "tiles"`.
        labels: Labels to take.
        data: Folder of the shared real data.
        cache: Gets the crops of the colon.
    """
    roots = [_colon(data, cache) if name == "colon" else data / "tiles" / name for name in folders]
    tiles = [tile for root in roots for tile in read_labelled_tiles(root)]
    return [tile for tile in tiles if tile.label in labels]


def _colon(data: Path, cache: Path) -> Path:
    """Cut the colon's images into crops, once; a group is an image.

    Images without epithelium give "stroma"; of the others, crops with six epithelial nuclei or
    more give "epithelium". So no image is on both sides of a fold.
    """
    folder = cache / "colon"
    if (folder / "labels.csv").exists():
        return folder
    (folder / "crops").mkdir(parents=True, exist_ok=True)
    nuclei = read_csv(data / "tiles/crc_nuclei/nuclei.csv")
    rows = []
    for image, found in nuclei.groupby("image"):
        picture = cv2.imread(str(data / f"tiles/crc_nuclei/images/{image}.jpg"))
        epithelial = found["class"] == "epithelial"
        cells = (found[["x", "y"]].astype(float) // _CROP_PX).astype(int)
        label = "epithelium" if epithelial.any() else "stroma"
        counted = cells[epithelial] if epithelial.any() else cells
        fewest = _FEWEST_EPITHELIAL if epithelial.any() else 1
        for (x, y), count in counted.value_counts().sort_index().items():
            crop = picture[y * _CROP_PX : (y + 1) * _CROP_PX, x * _CROP_PX : (x + 1) * _CROP_PX]
            if count < fewest or crop.shape[:2] != (_CROP_PX, _CROP_PX):
                continue
            path = f"crops/{image}_{x}_{y}.png"
            cv2.imwrite(str(folder / path), crop)
            rows.append({"path": path, "label": label, "prototype_group": image})
    write_csv(folder / "labels.csv", pd.DataFrame(rows))
    return folder
