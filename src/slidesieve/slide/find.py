"""Slides in a folder, told by the endings of their files."""

from __future__ import annotations

from pathlib import Path

SLIDE_ENDINGS = (
    *(".svs", ".tif", ".tiff", ".ndpi", ".vms", ".vmu", ".scn"),
    *(".mrxs", ".svslide", ".bif", ".czi", ".dcm"),
)
"""Endings of the formats that the readers know; of a MIRAX slide the .mrxs file is the one."""

_DICOM = ".dcm"


def find_slides(folder: Path) -> list[Path]:
    """Return the slides below a folder in the order of their paths; hidden files are left out.

    A DICOM slide is a folder of several files, any of which opens it: the first is returned.
    """
    found: list[Path] = []
    dicom_folders: set[Path] = set()
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
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
