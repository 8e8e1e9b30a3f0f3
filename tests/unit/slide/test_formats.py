"""Formats beyond OpenSlide's, and what is said of files that nothing reads."""

from __future__ import annotations

import json
import re

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile

from slidesieve.errors import SlideError
from slidesieve.slide.find import find_slides, slide_name
from slidesieve.slide.open import open_slide, slide_fingerprint
from slidesieve.slide.registry import READERS
from slidesieve.synthetic.painter.odd_files import halve, pad
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

SETTINGS = TileSettings(tile_px=256, target_mpp=0.5)
RESOLUTION = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
TILED = {"tile": (256, 256), "photometric": "rgb"}
PLAIN = {"metadata": None, "software": False}


@pytest.fixture(scope="module")
def picture():
    """RGB (1300, 1700, 3): glass with a pink rectangle, rows 300-1000, columns 400-1400."""
    rgb = np.full((1300, 1700, 3), 243, np.uint8)
    rgb[300:1000, 400:1400] = (205, 130, 175)
    rgb[400:500, 500:600] = (110, 60, 150)
    return rgb


def write_pages(path, levels, **options):
    with tifffile.TiffWriter(path, byteorder=options.pop("byteorder", "<")) as tiff:
        for number, level in enumerate(levels):
            tiff.write(level, subfiletype=int(number > 0), **PLAIN | RESOLUTION | options)


def write_ome(path, levels, sub_ifds=True, **facts):
    known = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5} | facts
    with tifffile.TiffWriter(path, ome=True) as tiff:
        options = TILED | {"compression": "jpeg"}
        tiff.write(levels[0], subifds=len(levels) - 1, metadata=known, **options)
        for level in levels[1:]:
            tiff.write(level, subfiletype=1, metadata=None, **options)


def write_qptiff(path, levels):
    text = (
        '<?xml version="1.0" encoding="utf-16"?><PerkinElmer-QPI-ImageDescription>'
        "<ImageType>FullResolution</ImageType><Objective>20x</Objective>"
        "</PerkinElmer-QPI-ImageDescription>"
    )
    thumbnail = text.replace("FullResolution", "Thumbnail")
    with tifffile.TiffWriter(path) as tiff:
        for number, level in enumerate(levels):
            words = text if number == 0 else text.replace("FullResolution", "ReducedResolution")
            options = {"metadata": None, "software": "PerkinElmer-QPI", **RESOLUTION}
            tiff.write(level, description=words, subfiletype=int(number > 0), **options, **TILED)
            if number == 0:
                small = halve(levels[0], 3)
                tiff.write(small, description=thumbnail, photometric="rgb", **options)


def write_zarr(path, levels, unit="micrometer", mpp=0.5):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed: pip install '.[formats]'")
    group = zarr.open_group(path, mode="w", zarr_format=2)
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": unit} for name in "yx"]
    datasets = []
    for number, level in enumerate(levels):
        array = np.moveaxis(level, 2, 0)
        group.create_array(str(number), data=array, chunks=(3, 256, 256))
        scale = [1.0, mpp * 2**number, mpp * 2**number]
        transform = {"type": "scale", "scale": scale}
        datasets.append({"path": str(number), "coordinateTransformations": [transform]})
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]


def check(path, picture, reader, n_levels, mpp=0.5, sheet_mpp=None, tolerance=6):
    """What every readable slide must give: scale, levels, pixels, tissue, tiles."""
    with open_slide(path) as slide:
        assert slide.name == reader
        assert slide.mpp == (mpp if mpp is None else pytest.approx(mpp, rel=1e-3))
        assert len(slide.level_dimensions) == n_levels
        assert (slide.width, slide.height) == (1700, 1300)
        for level in range(n_levels):
            region = slide.read_region(480, 380, level, 100, 90)
            expected = halve(picture, level)[380 >> level :, 480 >> level :][:90, :100]
            assert np.abs(region.astype(int) - expected).mean() < tolerance
        assert (slide.read_region(1650, 1250, 0, 100, 100)[60:] == 255).all()
        assert (slide.read_region(-50, -50, 0, 100, 100)[:40] == 255).all()
    tissue = segment_slide(path, "s", TissueParams(), sheet_mpp)
    tiles = tile_slide(path, "s", tissue, SETTINGS, sheet_mpp)
    assert (tiles.status, tiles.reader) == ("ok", reader)
    assert tissue.tissue.area == pytest.approx(700 * 1000, rel=0.05)
    assert len(tiles.coords) == 10
    return tiles


def test_ome_tiff_has_its_scale_and_its_levels(picture, tmp_path):
    levels = [halve(picture, k) for k in range(3)]
    write_ome(tmp_path / "a.ome.tif", levels, PhysicalSizeXUnit="µm")
    check(tmp_path / "a.ome.tif", picture, "tiff", 3)
    write_ome(
        tmp_path / "b.tif", levels, PhysicalSizeX=500, PhysicalSizeXUnit="nm",
        PhysicalSizeY=0.0005, PhysicalSizeYUnit="mm",
    )  # fmt: skip
    check(tmp_path / "b.tif", picture, "tiff", 3)


def test_ome_tiff_of_fluorescence_is_told_as_such(tmp_path):
    planes = np.zeros((4, 600, 600), np.uint8)
    with tifffile.TiffWriter(tmp_path / "f.ome.tif", ome=True) as tiff:
        tiff.write(planes, metadata={"axes": "CYX"}, photometric="minisblack", tile=(256, 256))
    with pytest.raises(SlideError, match="4 separate planes"):
        open_slide(tmp_path / "f.ome.tif", "tiff")


def test_qptiff_of_a_bright_field_slide(picture, tmp_path):
    path = tmp_path / "a.qptiff"
    write_qptiff(path, [halve(picture, k) for k in range(2)])
    check(path, picture, "tiff", 2)
    with open_slide(path) as slide:
        assert (slide.vendor, slide.objective) == ("qptiff", 20)


@pytest.mark.parametrize("compression", ["webp", "jpegxl", "jpeg2000", "lzw", "zstd", "deflate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiles_of_every_packing_in_both_byte_orders(picture, tmp_path, compression, byteorder):
    path = tmp_path / "a.tif"
    levels = [halve(picture, k) for k in range(2)]
    write_pages(path, levels, compression=compression, byteorder=byteorder, **TILED)
    with open_slide(path) as slide:
        reader = slide.name
    check(path, picture, reader, 2)


def test_jpeg_tiles_in_the_other_byte_order(picture, tmp_path):
    path = tmp_path / "a.tif"
    levels = [halve(picture, k) for k in range(2)]
    write_pages(path, levels, compression="jpeg", byteorder=">", **TILED)
    check(path, picture, "tiff", 2)


@pytest.mark.parametrize("rows", [1, 64, 1300])
@pytest.mark.parametrize("compression", [None, "lzw", "jpeg"])
def test_a_tiff_in_strips(picture, tmp_path, rows, compression):
    if compression == "jpeg" and rows == 1:
        pytest.skip("JPEG strips have whole blocks")
    path = tmp_path / "a.tif"
    options = {"photometric": "rgb", "rowsperstrip": rows, "compression": compression}
    write_pages(path, [picture], **options)
    check(path, picture, "tiff", 1)


def test_a_grey_tiff_is_read_and_told_as_grey(picture, tmp_path):
    path = tmp_path / "a.tif"
    write_pages(path, [picture[..., 1]], photometric="minisblack", rowsperstrip=64)
    tissue = segment_slide(path, "s", TissueParams())
    assert tissue.status == "empty"
    assert "the slide is grey" in tissue.reason


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_plain_picture_needs_the_sheet_for_its_scale(picture, tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    failed = segment_slide(path, "s", TissueParams())
    assert "column mpp of the sample sheet" in failed.reason
    check(path, picture, "picture", 1, mpp=None, sheet_mpp=0.5)


def test_a_picture_beyond_the_stated_size_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr("slidesieve.slide.array_reader.LARGEST_PICTURE_PX", 5_000_000)
    path = tmp_path / "large.png"
    cv2.imwrite(str(path), np.full((2500, 2500, 3), 240, np.uint8))
    with pytest.raises(SlideError, match=r"PNG of 2500×2500 px, more than 5 million; convert it"):
        open_slide(path)


@pytest.mark.parametrize("unit", ["micrometer", None])
def test_ome_zarr(picture, tmp_path, unit):
    path = tmp_path / "a.ome.zarr"
    write_zarr(path, [halve(picture, k) for k in range(3)], unit)
    known = {} if unit else {"mpp": None, "sheet_mpp": 0.5}
    check(path, picture, "ome-zarr", 3, **known, tolerance=2)


def test_ome_zarr_without_its_package_says_what_to_install(picture, tmp_path, monkeypatch):
    path = tmp_path / "a.ome.zarr"
    write_zarr(path, [picture])
    monkeypatch.setattr("slidesieve.slide.array_reader.find_spec", lambda name: None)
    with pytest.raises(SlideError, match=re.escape("pip install 'slidesieve[formats]'")):
        open_slide(path)


def test_a_macro_page_that_openslide_stumbles_over_is_not_used(picture, tmp_path):
    path = tmp_path / "a.tif"
    macro = np.full((300, 1400, 3), 90, np.uint8)
    levels = [picture, macro, halve(picture, 1), pad(halve(picture, 2), 256)]
    write_pages(path, levels, compression="jpeg", **TILED)
    with open_slide(path) as slide:
        assert slide.level_downsamples == pytest.approx((1, np.inf, 2, 4), rel=2e-3)
        assert "1400×300 px) is not used" in " ".join(slide.level_notes)


def test_a_damaged_chunk_costs_its_region_alone(picture, tmp_path):
    path = tmp_path / "a.tif"
    write_pages(path, [picture], compression="webp", **TILED)
    with tifffile.TiffFile(path) as tiff:
        start, length = tiff.pages[0].dataoffsets[3], tiff.pages[0].databytecounts[3]
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\0" * length)
    tissue = segment_slide(path, "s", TissueParams())
    assert tissue.status == "ok"
    assert 0 < tissue.unreadable_share < 0.1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.ims", b"\x89HDF\r\n\x1a\n" + bytes(500), "an Imaris file"),
        ("a.svs", b"PK\x03\x04" + bytes(500), "a ZIP archive; unpack it"),
        ("a.svs", b"\x1f\x8b" + bytes(500), "gzip-compressed; unpack it"),
        ("a.svs", b"<!DOCTYPE html><html>sign in</html>", "a web page"),
        ("a.svs", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.isyntax", b"\0\1\2" * 100, "a Philips iSyntax file"),
        ("a.vsi", b"II*\0" + bytes(500), "an Olympus VSI file"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), "a bare JPEG 2000 picture"),
        ("a.dcm", bytes(128) + b"DICM" + bytes(300), "a DICOM file, but no whole-slide image"),
        ("a.pdf", b"%PDF-1.7" + bytes(300), "a PDF document"),
    ],
)
def test_what_nothing_reads_is_named_with_the_way_to_convert_it(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SlideError) as refusal:
        open_slide(path)
    assert words in str(refusal.value)
    assert "convert it to OME-TIFF" in str(refusal.value)
    assert "damaged" not in str(refusal.value)


def test_sixteen_bits_are_told_and_not_called_damage(tmp_path):
    path = tmp_path / "a.tif"
    pixels = np.zeros((600, 600), np.uint16)
    options = {"photometric": "minisblack", "tile": (256, 256), "compression": "zstd"}
    write_pages(path, [pixels], **options)
    with pytest.raises(SlideError, match="1 channels of 16 bits") as refusal:
        open_slide(path, "tiff")
    assert "damaged" not in str(refusal.value)


def test_a_folder_that_is_no_zarr_is_refused(tmp_path):
    (tmp_path / "slide").mkdir()
    (tmp_path / "slide" / "x.json").write_text(json.dumps({}))
    with pytest.raises(SlideError, match="is a folder; give the slide's file"):
        open_slide(tmp_path / "slide")


def test_every_reader_says_what_it_reads_and_whether_it_can():
    for name, entry in READERS.items():
        assert entry.formats, name
        assert entry.is_available or entry.needs == "zarr"


def test_the_codecs_are_there():
    for codec in ("webp", "jpegxl", "jpeg2k", "zstd"):
        assert getattr(imagecodecs, codec.upper()).available


def test_the_shared_ome_tiff(shared_data):
    path = shared_data / "field_cases" / "slides" / "ome.ome.tif"
    with open_slide(path) as slide:
        assert slide.mpp == pytest.approx(0.5)
        assert len(slide.level_dimensions) == 2
    tissue = segment_slide(path, "s", TissueParams())
    assert len(tile_slide(path, "s", tissue, SETTINGS).coords) == 34


def test_a_folder_is_searched_for_zarr_too(picture, tmp_path):
    write_zarr(tmp_path / "b" / "one.ome.zarr", [picture])
    write_pages(tmp_path / "a.qptiff", [picture], **TILED)
    found = find_slides(tmp_path)
    assert [slide_name(path) for path in found] == ["a", "one"]
    before = slide_fingerprint(found[1])
    (found[1] / ".zattrs").write_text("{}")
    assert before != slide_fingerprint(found[1]) != ""


def test_a_file_that_is_cut_off_is_told_so_and_not_read_in_part(picture, tmp_path):
    path = tmp_path / "a.tif"
    write_pages(path, [picture, halve(picture, 1)], compression="webp", **TILED)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with pytest.raises(SlideError, match="cut off"):
        open_slide(path)
    with pytest.raises(SlideError, match=r"it is cut off: .* stored pieces lie beyond its end"):
        open_slide(path, "tiff")
