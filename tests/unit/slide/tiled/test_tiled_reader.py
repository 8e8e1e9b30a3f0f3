"""The tiled reader gives OpenSlide's pixels, refuses what it refuses, and decodes tiles once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from slidesieve.errors import SlideError, TileReadError
from slidesieve.slide.open import open_slide
from slidesieve.synthetic.painter import paint_large
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.stream import stream_tiles
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

# name of a packing -> how tifffile writes it
PACKINGS = {
    "jpeg_rgb": {"compression": "jpeg", "photometric": "rgb"},
    "jpeg_444": {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (1, 1)},
    "jpeg_422": {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (2, 1)},
    "jpeg_420": {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (2, 2)},
    "deflate": {"compression": "adobe_deflate", "photometric": "rgb"},
    "predictor": {"compression": "adobe_deflate", "photometric": "rgb", "predictor": True},
    "none": {"photometric": "rgb"},
}
REAL = ("CMU-1-Small-Region", "tcga-cr-7395-01a-01-ts1", "corrupt_tile_payload", "no_mpp")


def noisy(width: int, height: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 1.5)


def write_pyramid(path: Path, packing: str, sizes, tile=(64, 96)) -> Path:
    with tifffile.TiffWriter(path) as tiff:
        for number, (width, height) in enumerate(sizes):
            tiff.write(
                noisy(width, height, number),
                tile=tile,
                subfiletype=int(number > 0),
                metadata=None,
                **PACKINGS[packing],
            )
    return path


def outcome(reader, *region):
    """A region, or None if it cannot be decoded."""
    try:
        return reader.read_region(*region)
    except TileReadError:
        return None


def assert_same(path: Path, regions) -> None:
    with open_slide(path, "tiled") as ours, open_slide(path, "openslide") as theirs:
        for region in regions:
            found, expected = outcome(ours, *region), outcome(theirs, *region)
            assert (found is None) == (expected is None), region
            if found is not None:
                np.testing.assert_array_equal(found, expected, err_msg=str(region))


@pytest.fixture(scope="module")
def pyramids(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pyramids")
    # Sizes that no level divides: most regions of the coarser ones start between px.
    sizes = [(403, 310), (133, 103), (50, 39)]
    return {name: write_pyramid(folder / f"{name}.tiff", name, sizes) for name in PACKINGS}


@settings(max_examples=150)
@given(
    packing=st.sampled_from(list(PACKINGS)),
    x=st.integers(-150, 450),
    y=st.integers(-150, 350),
    level=st.integers(0, 2),
    width=st.integers(1, 200),
    height=st.integers(1, 200),
)
def test_any_region_is_openslides_to_the_bit(pyramids, packing, x, y, level, width, height):
    assert_same(pyramids[packing], [(x, y, level, width, height)])


@pytest.mark.parametrize("name", REAL)
def test_real_slides_are_openslides_to_the_bit(shared_data, name):
    rng = np.random.default_rng(1)
    path = shared_data / "slides" / f"{name}.svs"
    with open_slide(path) as slide:
        assert slide.name == "tiled"
        n_levels, width, height = len(slide.level_dimensions), slide.width, slide.height
    low, high = (-200, -200, 0, 1, 1), (width, height, n_levels, 500, 500)
    assert_same(path, rng.integers(low, high, (25, 5)).tolist())


def test_painted_slide_is_openslides_to_the_bit(tmp_path):
    paint_large(tmp_path / "painted.svs", side_px=2000, cell_px=1024)
    rng = np.random.default_rng(2)
    regions = rng.integers((-50, -50, 0, 1, 1), (2000, 2000, 3, 400, 400), (40, 5)).tolist()
    assert_same(tmp_path / "painted.svs", regions)


def test_a_region_larger_than_openslides_pieces_is_the_same(tmp_path):
    path = write_pyramid(tmp_path / "wide.tiff", "deflate", [(14100, 70), (4710, 23)], (16, 2048))
    assert_same(path, [(1, 1, 1, 4500, 20), (-7, 3, 0, 9000, 40)])


def test_what_is_not_stored_shows_what_openslide_shows(tmp_path):
    path = write_pyramid(tmp_path / "sparse.tiff", "deflate", [(403, 310), (133, 103)])
    with tifffile.TiffFile(path, mode="r+") as tiff:
        for page in tiff.pages:
            counts = list(page.databytecounts)
            counts[1] = 0
            page.tags["TileByteCounts"].overwrite(counts)
    assert_same(path, [(60, 10, 0, 150, 120), (200, 100, 0, 90, 90), (31, 5, 1, 90, 80)])


@pytest.mark.parametrize(
    ("damage", "packing"),
    [(kind, packing) for kind in ("zeros", "cut", "noise") for packing in PACKINGS],
)
def test_damaged_tiles_are_refused_as_openslide_does(tmp_path, damage, packing):
    path = write_pyramid(tmp_path / "s.tiff", packing, [(403, 310)])
    with tifffile.TiffFile(path) as tiff:
        offset, length = tiff.pages[0].dataoffsets[6], tiff.pages[0].databytecounts[6]
    content = bytearray(path.read_bytes())
    half = slice(offset + length // 2, offset + length)
    size = half.stop - half.start
    noise = np.random.default_rng(0).bytes(size)
    content[half] = {"zeros": bytes(size), "cut": b"\xff\xd9" * size, "noise": noise}[damage][:size]
    path.write_bytes(content)
    assert_same(path, [(100, 70, 0, 90, 60), (0, 0, 0, 60, 40), (0, 0, 0, 403, 310)])


def test_tiles_beyond_the_end_of_the_file_are_lost_as_for_openslide(tmp_path):
    path = write_pyramid(tmp_path / "cut.tiff", "jpeg_420", [(403, 310), (133, 103)])
    with tifffile.TiffFile(path, mode="r+") as tiff:
        offsets = list(tiff.pages[0].dataoffsets)
        offsets[10:] = [path.stat().st_size - 20] * len(offsets[10:])
        tiff.pages[0].tags["TileOffsets"].overwrite(offsets)
    assert_same(path, [(x, y, 0, 50, 50) for x in range(0, 400, 70) for y in range(0, 300, 60)])


def first_pixels(path):
    with open_slide(path) as slide:
        assert slide.name != "tiled"
        return slide.read_region(0, 0, 0, 50, 50)


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        ("TileWidth", 1 << 20, "tiles"),
        ("Compression", 34712, "compression 34712|structure"),
        ("Compression", 5, "compression 5"),
        ("PhotometricInterpretation", 1, "photometric 1"),
        ("Predictor", 3, "predictor 3"),
    ],
)
def test_what_is_unusual_is_left_to_openslide_with_the_reason(tmp_path, tag, value, reason):
    path = write_pyramid(tmp_path / "s.tiff", "predictor", [(403, 310)])
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags[tag].overwrite(value)
    try:
        open_slide(path, "openslide").close()
    except SlideError:
        # A reader of other packings may take it; what is not packed so is never read as pixels.
        with pytest.raises((SlideError, TileReadError)):
            first_pixels(path)
        return
    with open_slide(path) as slide:
        assert slide.name == "openslide"
    with pytest.raises(SlideError, match=rf"cannot be read by the tiled reader.*({reason})"):
        open_slide(path, "tiled")


def test_other_formats_are_left_to_openslide(shared_data):
    with open_slide(shared_data / "slides" / "boxes_0.dcm") as slide:
        assert slide.name == "openslide"
    with pytest.raises(SlideError, match="its format is dicom; set `reader: auto`"):
        open_slide(shared_data / "slides" / "boxes_0.dcm", "tiled")


def test_a_jpeg_that_claims_to_be_huge_is_refused_before_it_is_given_memory(tmp_path):
    path = write_pyramid(tmp_path / "s.tiff", "jpeg_420", [(403, 310)])
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        start = content.index(b"\xff\xc0", tiff.pages[0].dataoffsets[0])
    content[start + 5 : start + 9] = b"\xff\x00\xff\x00"
    path.write_bytes(content)
    assert_same(path, [(0, 0, 0, 30, 30), (200, 200, 0, 30, 30)])


class TestDecodedOnce:
    """However many regions share a stored tile, however many threads ask."""

    @settings(max_examples=25)
    @given(
        offset=st.integers(0, 90),
        side=st.integers(20, 150),
        step=st.integers(15, 170),
        workers=st.sampled_from([1, 4]),
        level=st.integers(0, 1),
    )
    def test_in_an_announced_pass(self, pyramids, offset, side, step, workers, level):
        corners = [(x, y) for y in range(offset, 310, step) for x in range(offset, 403, step)]
        regions = [(x, y, side, side) for x, y in corners]
        with open_slide(pyramids["deflate"]) as slide, ThreadPoolExecutor(workers) as pool:
            slide.expect(level, np.array(regions))
            list(pool.map(lambda xy: slide.read_region(*xy, level, side, side), corners))
            across, down = (
                -(-size // tile) for size, tile in zip((403, 310), (96, 64), strict=True)
            )
            assert slide.n_decoded <= across * down
            assert not slide._cache._entries
            assert not slide._cache._uses_left
            assert slide._cache._bytes == 0

    @given(
        regions=st.lists(
            st.tuples(*[st.integers(-300, 500)] * 2, st.integers(1, 300), st.integers(1, 300)),
            max_size=5,
        ),
        level=st.integers(0, 2),
    )
    def test_and_what_is_announced_is_what_is_read(self, pyramids, regions, level):
        with open_slide(pyramids["none"]) as slide:
            slide.expect(level, np.array(regions, dtype=np.int64).reshape(-1, 4))
            for x, y, width, height in regions:
                slide.read_region(x, y, level, width, height)
            assert not slide._cache._entries
            assert not slide._cache._uses_left

    def test_threads_see_the_same_pixels(self, pyramids):
        corners = [(x, y) for y in range(0, 310, 20) for x in range(0, 403, 20)]
        with open_slide(pyramids["jpeg_420"]) as slide:
            alone = [slide.read_region(*xy, 1, 60, 60) for xy in corners]
        with open_slide(pyramids["jpeg_420"]) as slide, ThreadPoolExecutor(8) as pool:
            slide.expect(1, np.array([(*xy, 60, 60) for xy in corners]))
            together = list(pool.map(lambda xy: slide.read_region(*xy, 1, 60, 60), corners))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, other)


def test_jpeg_2000_of_another_kind_is_left_to_openslide(tmp_path):
    """Components at half width would be taken for colour differences by one decoder, not both."""
    rgb = noisy(128, 128)
    stream = imagecodecs.jpeg2k_encode(rgb, codecformat="j2k", level=0, mct=True)
    path = tmp_path / "s.svs"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(
            iter([stream] * 4),
            shape=(200, 220, 3),
            dtype=np.uint8,
            tile=(128, 128),
            photometric="rgb",
            compression=33005,
            description="Aperio made up|MPP = 0.5",
            metadata=None,
        )
    assert_same(path, [(0, 0, 0, 220, 200), (100, 90, 0, 60, 60)])
    hurt = bytearray(path.read_bytes())
    place = hurt.index(b"\xff\x4f\xff\x51")
    hurt[place + 8 : place + 12] = (1 << 30).to_bytes(4, "big")
    path.write_bytes(hurt)
    assert_same(path, [(0, 0, 0, 60, 60), (130, 130, 0, 60, 60)])


class TestHalfScale:
    """One level more, decoded at half scale; never unless asked for."""

    def test_is_close_to_decoding_and_averaging(self, shared_data):
        path = shared_data / "slides" / "CMU-1-Small-Region.svs"
        with open_slide(path, "tiled-half") as half, open_slide(path) as full:
            assert (half.name, half.level_downsamples) == ("tiled-half", (1.0, 2.0))
            assert full.level_downsamples == (1.0,)
            found = half.read_region(200, 400, 1, 600, 600)
            pixels = full.read_region(200, 400, 0, 1200, 1200)
        expected = cv2.resize(pixels, (600, 600), interpolation=cv2.INTER_AREA)
        difference = np.abs(found.astype(int) - expected)
        assert 0 < difference.mean() < 1.5
        assert np.quantile(difference, 0.99) <= 6

    def test_serves_tiles_of_twice_the_scale(self, make_slide, stained):
        path = make_slide(stained, mpp="0.25", downsamples=(1, 4))
        tissue = segment_slide(path, "s", TissueParams(), reader="tiled-half")
        settings = TileSettings(tile_px=256, target_mpp=0.5, step_px=256)
        tiles = tile_slide(path, "s", tissue, settings, reader="tiled-half")
        assert (tiles.reader, tiles.spec.downsample, tiles.spec.read_px) == ("tiled-half", 2.0, 256)
        images = [chunk.images for chunk in stream_tiles(path, tiles, 2, lambda chunk: chunk)]
        assert np.concatenate(images).shape == (len(tiles.coords), 256, 256, 3)

    def test_damage_costs_what_it_costs_at_full_scale(self, make_slide, stained):
        path = make_slide(stained, downsamples=(1, 4), damaged=[(0, 5)])
        with open_slide(path, "tiled-half") as slide:
            with pytest.raises(TileReadError):
                slide.read_region(1280, 0, 1, 128, 128)
            slide.read_region(0, 0, 1, 128, 128)

    @pytest.mark.parametrize("packing", ["deflate", "jpeg_rgb"])
    def test_changes_nothing_where_it_cannot_help(self, tmp_path, packing):
        sizes = [(403, 310), (201, 155)] if packing == "jpeg_rgb" else [(403, 310)]
        path = write_pyramid(tmp_path / "s.tiff", packing, sizes)
        with open_slide(path, "tiled-half") as half, open_slide(path, "tiled") as plain:
            assert half.level_dimensions == plain.level_dimensions


@pytest.mark.parametrize("reader", ["tiled", "openslide"])
@pytest.mark.parametrize("packing", ["jpeg_420", "predictor"])
@pytest.mark.parametrize("corner", [(96, 64), (100, 70), (-20, 290)])
def test_pixels_go_where_they_are_wanted(pyramids, reader, packing, corner):
    with open_slide(pyramids[packing], reader) as slide:
        expected = slide.read_region(*corner, 0, 96, 64)
        # Announced, a region that is one stored tile is decoded straight to its place.
        slide.expect(0, np.array([(*corner, 96, 64)]))
        out = np.full((64, 96, 3), 7, np.uint8)
        assert slide.read_region(*corner, 0, 96, 64, out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("reader", ["tiled", "tiled-half"])
def test_a_stored_tile_goes_into_a_wider_array(tmp_path, reader):
    path = write_pyramid(tmp_path / "s.tiff", "jpeg_420", [(1024, 1024)], tile=(512, 512))
    with open_slide(path, reader) as slide:
        level = len(slide.level_dimensions) - 1
        tile_px = 512 >> level
        expected = slide.read_region(512, 512, level, tile_px, tile_px)
    with open_slide(path, reader) as slide:
        slide.expect(level, np.array([(512, 512, tile_px, tile_px)]))
        wide = np.full((tile_px, tile_px + 100, 3), 7, np.uint8)
        # Left to OpenSlide, half-scale px would be others.
        slide.read_region(512, 512, level, tile_px, tile_px, wide[:, 50:-50])
        assert slide.n_decoded == 1
    np.testing.assert_array_equal(wide[:, 50:-50], expected)
    assert (wide[:, :50] == 7).all()
    assert (wide[:, -50:] == 7).all()
