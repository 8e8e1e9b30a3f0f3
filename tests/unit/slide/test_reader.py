from __future__ import annotations

import hashlib
import shutil

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from slidesieve.errors import SlideError, TileReadError
from slidesieve.slide.base import SlideReader, compose_on
from slidesieve.slide.open import open_slide, slide_fingerprint
from slidesieve.slide.overview import read_overview
from slidesieve.slide.scale import coarsest_level, resolve_mpp, stated_mpp


class Facts(SlideReader):
    """A slide of which only the stated scale matters."""

    def __init__(self, mpp, objective=None, note=""):
        self.mpp, self.objective, self.mpp_note = mpp, objective, note

    def _read_into(self, *args):
        raise AssertionError("no pixels here")

    def close(self):
        pass


def test_opened_slide_states_its_size_scale_and_maker(make_slide, stained):
    with open_slide(make_slide(stained, mpp="0.2525", downsamples=(1, 4))) as reader:
        assert (reader.width, reader.height) == (3072, 2048)
        assert reader.level_dimensions == ((3072, 2048), (768, 512))
        assert reader.level_downsamples == (1.0, 4.0)
        assert (reader.mpp, reader.mpp_note) == (pytest.approx(0.2525), "")
        assert (reader.objective, reader.vendor, reader.name) == (20.0, "aperio", "tiled")


def test_region_holds_the_slides_pixels(make_slide, stained):
    with open_slide(make_slide(stained)) as reader:
        region = reader.read_region(900, 400, 0, 300, 200)
    assert region.shape == (200, 300, 3)
    assert region.dtype == np.uint8
    assert np.abs(region.astype(int) - stained[400:600, 900:1200]).max() < 30
    assert np.abs(region.astype(int) - stained[400:600, 900:1200]).mean() < 2


def test_beyond_the_slide_lies_white(make_slide, stained):
    with open_slide(make_slide(stained)) as reader:
        region = reader.read_region(3000, 2000, 0, 144, 96)
    assert (region[48:] == 255).all()
    assert (region[:, 72:] == 255).all()


@given(
    alpha=st.integers(0, 255),
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    background=st.tuples(*[st.integers(0, 255)] * 3),
)
def test_alpha_mixes_colour_and_background(alpha, colour, background):
    rgba = np.array([[[*colour, alpha]]], np.uint8)
    expected = (alpha * np.array(colour) + (255 - alpha) * np.array(background)) / 255
    assert np.abs(compose_on(rgba, background)[0, 0] - expected).max() <= 0.51


def test_a_failed_read_leaves_the_rest_of_the_slide_readable(make_slide, stained):
    with open_slide(make_slide(stained, damaged=[(0, 5)])) as reader:
        before = reader.read_region(0, 0, 0, 256, 256)
        with pytest.raises(TileReadError, match=r"slide\.svs: 256×256 px of level 0 at .*1280, 0"):
            reader.read_region(1280, 0, 0, 256, 256)
        np.testing.assert_array_equal(reader.read_region(0, 0, 0, 256, 256), before)
        with pytest.raises(TileReadError):
            reader.read_region(1280, 0, 0, 256, 256)


def test_what_is_no_slide_is_refused_with_the_reason(tmp_path, make_slide, stained):
    empty, text = tmp_path / "empty.svs", tmp_path / "text.svs"
    empty.touch()
    text.write_text("not a slide")
    whole = make_slide(stained)
    truncated = tmp_path / "truncated.svs"
    # tifffile puts the directory of the last page near the end; the header then points nowhere.
    truncated.write_bytes(b"II*\0" + (10**6).to_bytes(4, "little") + whole.read_bytes()[8:5000])
    reasons = {
        tmp_path: "is a folder",
        tmp_path / "absent.svs": "does not exist; check column path",
        empty: "empty file",
        text: "in no format that OpenSlide reads",
        truncated: "cut off before its directory",
    }
    for path, reason in reasons.items():
        with pytest.raises(SlideError, match=reason):
            open_slide(path)


def test_fingerprint_follows_the_bytes_and_not_the_name(tmp_path, make_slide, stained):
    path = make_slide(stained)
    copy = tmp_path / "copy.svs"
    shutil.copy(path, copy)
    assert slide_fingerprint(path) == slide_fingerprint(copy)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    assert slide_fingerprint(path) != slide_fingerprint(copy)
    assert slide_fingerprint(tmp_path / "absent") == ""
    too_long = tmp_path / ("x" * 300)
    assert slide_fingerprint(too_long) == ""
    with pytest.raises(SlideError, match="cannot be read: File name too long"):
        open_slide(too_long)


def test_fingerprint_reads_only_the_ends_of_a_large_file(tmp_path):
    path = tmp_path / "large"
    content = np.random.default_rng(0).bytes(3 << 20)
    path.write_bytes(content)
    head, tail = content[: 1 << 20], content[-1 << 20 :]
    expected = hashlib.sha256((3 << 20).to_bytes(8, "little") + head + tail).hexdigest()
    assert slide_fingerprint(path) == expected


class TestMpp:
    @pytest.mark.parametrize(
        ("x", "y", "mpp", "why"),
        [
            ("0.25", "0.25", 0.25, ""),
            ("0.50", "0.51", (0.50 * 0.51) ** 0.5, ""),
            (None, "0.25", None, "states no mpp"),
            ("0.25", "0.30", None, "not square"),
            ("352.8", "352.8", None, "implausible"),
            ("0.01", "0.01", None, "implausible"),
            ("nan", "nan", None, "implausible"),
            ("a lot", "0.25", None, "no number"),
        ],
    )
    def test_file_is_believed_only_if_plausible(self, x, y, mpp, why):
        found, reason = stated_mpp(x, y)
        assert found == (mpp if mpp is None else pytest.approx(mpp))
        assert why in reason
        assert bool(reason) == (mpp is None)

    @pytest.mark.parametrize(
        ("sheet", "slide", "config", "objective", "expected"),
        [
            (0.3, 0.25, 0.5, 40, (0.3, "sheet")),
            (None, 0.25, 0.5, 40, (0.25, "slide")),
            (None, None, 0.5, 40, (0.5, "config")),
            (None, None, None, 40, (0.25, "objective")),
        ],
    )
    def test_sheet_beats_slide_beats_config_beats_objective(
        self, sheet, slide, config, objective, expected
    ):
        assert resolve_mpp(Facts(slide, objective), sheet, config, True) == expected

    def test_unknown_scale_is_refused_naming_both_ways_to_give_it(self):
        reader = Facts(None, objective=40, note="the file states no mpp")
        with pytest.raises(SlideError) as refusal:
            resolve_mpp(reader, None, None, use_objective=False)
        for part in ("states no mpp", "column mpp of the sample sheet", "<name>.assume_mpp"):
            assert part in str(refusal.value)

    def test_implausible_sheet_value_is_refused(self):
        with pytest.raises(SlideError, match="250 given by the sheet"):
            resolve_mpp(Facts(0.25), 250, None, False)


@given(
    steps=st.lists(st.floats(1.2, 4.5), max_size=6),
    wanted=st.floats(0.2, 300),
)
def test_coarsest_level_is_the_last_not_coarser_than_wanted(steps, wanted):
    downsamples = np.cumprod([1.0, *steps])
    level = coarsest_level(downsamples, wanted)
    limit = wanted * 1.01
    assert level == max(0, np.searchsorted(downsamples, limit, side="right") - 1)


@pytest.fixture(scope="module")
def edge_slide(tmp_path_factory):
    """White, but for a dark quarter that ends at column 1501 and row 201; three blocks wide."""
    rgb = np.full((400, 3001, 3), 255, np.uint8)
    rgb[:201, :1501] = 0
    path = tmp_path_factory.mktemp("edge") / "edge.tiff"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(rgb, tile=(256, 256), photometric="rgb", compression="adobe_deflate")
    return path


class TestOverview:
    def test_is_the_area_average_at_the_stated_scale(self, make_slide, stained):
        with open_slide(make_slide(stained, downsamples=(1, 4))) as reader:
            overview = read_overview(reader, mpp_slide=0.5, target_mpp=8.0)
        assert overview.downsample == 16
        assert overview.unreadable_share == 0
        expected = cv2.resize(stained, (192, 128), interpolation=cv2.INTER_AREA)
        difference = np.abs(overview.rgb.astype(int) - expected)
        assert difference.max() <= 8
        assert difference.mean() < 0.5

    @settings(max_examples=30)
    @given(target=st.floats(0.7, 40))
    def test_edges_stay_in_place_at_every_scale(self, edge_slide, target):
        with open_slide(edge_slide) as reader:
            overview = read_overview(reader, 0.5, target)
        step = overview.downsample
        assert step == pytest.approx(target / 0.5)
        dark_columns = (overview.rgb[..., 0] < 128).mean(0)
        dark_rows = (overview.rgb[..., 0] < 128).mean(1)
        assert abs((dark_columns > 0).sum() * step - 1501) <= step / 2 + 2
        assert abs((dark_rows > 0).sum() * step - 201) <= step / 2 + 2

    def test_slide_coarser_than_the_target_keeps_its_scale(self, make_slide, stained):
        with open_slide(make_slide(stained[:512, :512], mpp="10")) as reader:
            overview = read_overview(reader, 10.0, target_mpp=8.0)
        assert overview.downsample == 1
        assert overview.rgb.shape == (512, 512, 3)

    def test_corrupt_level_is_replaced_by_the_finer_one(self, make_slide, stained):
        whole = make_slide(stained, downsamples=(1, 4), name="whole.svs")
        # Level 1 is 768 × 512 px in 3 × 2 tiles; tiles 1 and 4 show the tissue.
        hurt = make_slide(stained, downsamples=(1, 4), damaged=[(1, 1), (1, 4)], name="hurt.svs")
        with open_slide(whole) as first, open_slide(hurt) as second:
            expected, found = read_overview(first, 0.5), read_overview(second, 0.5)
        assert found.unreadable_share == 0
        assert np.abs(found.rgb.astype(int) - expected.rgb).max() <= 6

    def test_what_no_level_gives_is_white_and_counted(self, make_slide, stained):
        # Tile 44 of 12 × 8 covers rows 768-1023 and columns 2048-2303, all tissue.
        path = make_slide(stained, damaged=[(0, 44)])
        with open_slide(path) as reader:
            overview = read_overview(reader, 0.5)
        hurt = (overview.rgb == 255).all(-1)
        assert hurt[48:64, 128:144].all()
        assert overview.unreadable_share == pytest.approx(hurt.mean())
        assert 16 * 16 <= hurt.sum() <= 32 * 32

    def test_more_damage_than_allowed_is_refused(self, make_slide, stained):
        path = make_slide(stained, damaged=[(0, tile) for tile in range(48)])
        with (
            open_slide(path) as reader,
            pytest.raises(SlideError, match="more than 20% of the slide cannot be decoded"),
        ):
            read_overview(reader, 0.5, max_unreadable_share=0.2)
