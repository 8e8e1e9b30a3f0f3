"""Slides in a folder, told by the endings of their files."""

from __future__ import annotations

from pathlib import Path

SLIDE_ENDINGS = (
    *(".svs", ".tif", ".tiff", ".ndpi", ".vms", ".vmu", ".scn"),
    *(".mrxs", ".svslide", ".bif", ".czi", ".dcm", ".qptiff"),
)
"""Endings of the formats that the readers know; of a MIRAX slide the .mrxs file is the one."""

_DICOM, _ZARR = ".dcm", ".zarr"


def find_slides(folder: Path) -> list[Path]:
    """Return the slides below a folder in the order of their paths; hidden files are left out.

    A DICOM slide is a folder of several files, any of which opens it: the first is returned. An
    OME-Zarr slide is a folder whose name ends in .zarr.
    """
    found: list[Path] = []
    dicom_folders: set[Path] = set()
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in within.parts)
        if any(parent.suffix.lower() == _ZARR for parent in within.parents):
            continue
        if not hidden and path.suffix.lower() == _ZARR and path.is_dir():
            found.append(path)
            continue
        if hidden or path.suffix.lower() not in SLIDE_ENDINGS or not path.is_file():
            continue
        if path.suffix.lower() == _DICOM:
            if path.parent in dicom_folders:
                continue
            dicom_folders.add(path.parent)
        found.append(path)
    return found


def slide_name(path: Path) -> str:
    """Return the name of a slide: its file's without ending; of DICOM its folder's."""
    if path.suffix.lower() == _DICOM:
        return path.parent.name
    return path.stem.removesuffix(".ome")
