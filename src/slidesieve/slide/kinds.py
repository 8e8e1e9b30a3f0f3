"""Kinds of files that no reader reads, told by their first bytes: for messages."""

from __future__ import annotations

from pathlib import Path

CONVERT = (
    "convert it to OME-TIFF or to a tiled pyramidal TIFF, with QuPath, or with bioformats2raw and "
    "raw2ometiff"
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89HDF", "an HDF5 file (Imaris .ims is one)"),
    (b"ZISRAWFILE", "a Zeiss CZI file"),
    (b"\xda\xce\xbe\x0a", "a Nikon ND2 file"),
    (b"\x70\x00\x00\x00", "a Leica LIF file"),
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"\x1f\x8b", "gzip-compressed; unpack it"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"%PDF", "a PDF document"),
    (b"BM", "a BMP picture"),
    (b"GIF8", "a GIF picture"),
    (b"\0\0\0\x0cjP  ", "a bare JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 codestream"),
    (b"\xff\x0a", "a bare JPEG XL picture"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself; run `git lfs pull`"),
    (b"<!DOCTYPE", "a web page: the download gave a page in place of the slide"),
    (b"<html", "a web page: the download gave a page in place of the slide"),
)
_ENDINGS = {
    ".isyntax": "a Philips iSyntax file, read by Philips' own SDK alone",
    ".vsi": "an Olympus VSI file",
    ".ets": "a part of an Olympus VSI slide",
    ".kfb": "a KFBIO file, read by the maker's software alone",
    ".sdpc": "an SDPC file of SQRAY, read by the maker's software alone",
    ".tmap": "a TMAP file of UNIC, read by the maker's software alone",
    ".mdsx": "a Motic file, read by the maker's software alone",
    ".lif": "a Leica LIF file",
    ".nd2": "a Nikon ND2 file",
    ".ims": "an Imaris file",
    ".oir": "an Olympus OIR file",
}


def kind_of(path: Path) -> str:
    """Return in words what a file is, "" where its first bytes and its ending say nothing."""
    named = _ENDINGS.get(path.suffix.lower(), "")
    if named:
        return named
    with path.open("rb") as file:
        head = file.read(256)
    for start, kind in _KINDS:
        if head.startswith(start):
            return kind
    if head[128:132] == b"DICM":
        return "a DICOM file, but no whole-slide image that OpenSlide reads"
    if is_tiff(path):
        return ""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "a text file" if text.isprintable() or "\n" in text else ""


def is_tiff(path: Path) -> bool:
    """Whether a file starts as a TIFF does."""
    with path.open("rb") as file:
        return file.read(4) in _TIFF
