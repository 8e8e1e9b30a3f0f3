"""colour_texture: every number is what docs/reference/colour_texture.md says."""

from __future__ import annotations

import csv
import re

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from slidesieve.encoders.colour_texture import binary_patterns, gradients, intensity, spatial
from slidesieve.encoders.colour_texture.encoder import FEATURE_NAMES, ColourTexture, describe_tiles
from slidesieve.encoders.colour_texture.planes import separate_stains, take_apart
from slidesieve.errors import ConfigError
from slidesieve.runtime.thread_pool import thread_pool

HAEMATOXYLIN_OD = np.array([0.65, 0.70, 0.29]) / np.linalg.norm([0.65, 0.70, 0.29])
EOSIN_OD = np.array([0.07, 0.99, 0.11]) / np.linalg.norm([0.07, 0.99, 0.11])

_ROW = re.compile(r"^\| \d+ \| `(\w+)` \| (-?[\d.]+) … (-?[\d.]+) \| .+ \|$")


@pytest.fixture(scope="session")
def documented(repo) -> dict[str, tuple[float, float]]:
    """Name → range of every number in docs/reference/colour_texture.md, in its order."""
    lines = (repo / "docs/reference/colour_texture.md").read_text(encoding="utf-8").splitlines()
    rows = [match for line in lines if (match := _ROW.match(line))]
    return {row[1]: (float(row[2]), float(row[3])) for row in rows}


def named(tile: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURE_NAMES, describe_tiles(tile[None])[0], strict=True))


def flat(rgb: tuple[int, int, int], side: int = 128) -> np.ndarray:
    return np.full((side, side, 3), rgb, dtype=np.uint8)


def stained(haematoxylin: np.ndarray, eosin: np.ndarray) -> np.ndarray:
    """RGB of given amounts of stain (H, W) in OD, by Beer-Lambert."""
    density = haematoxylin[..., None] * HAEMATOXYLIN_OD + eosin[..., None] * EOSIN_OD
    return np.clip(np.rint(256 * 10**-density - 1), 0, 255).astype(np.uint8)


def painted_nuclei(count: int, side: int = 256) -> np.ndarray:
    """Stroma with `count` round nuclei of 6 px radius on a jittered grid."""
    rng = np.random.default_rng(0)
    haematoxylin = np.full((side, side), 0.12, dtype=np.float32)
    cells = [(x, y) for y in range(16, side, 32) for x in range(16, side, 32)]
    for index in rng.permutation(len(cells))[:count]:
        x, y = np.array(cells[index]) + rng.integers(-5, 6, 2)
        cv2.circle(haematoxylin, (int(x), int(y)), 6, 0.7, -1)
    haematoxylin += rng.normal(0, 0.01, haematoxylin.shape)
    return stained(haematoxylin, np.full((side, side), 0.3) + rng.normal(0, 0.02, (side, side)))


def test_the_document_lists_every_number_in_order(documented):
    assert tuple(documented) == FEATURE_NAMES
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert 100 <= len(FEATURE_NAMES) <= 200


def assert_in_documented_range(tile: np.ndarray, documented: dict[str, tuple[float, float]]):
    for name, value in named(tile).items():
        low, high = documented[name]
        assert low - 1e-9 <= value <= high + 1e-9, f"{name} is {value}, documented {low} … {high}"


@settings(max_examples=40, deadline=None)
@given(
    coarse=arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))),
    height=st.integers(64, 150),
    width=st.integers(64, 150),
    sharp=st.booleans(),
)
def test_numbers_stay_in_their_documented_ranges(documented, coarse, height, width, sharp):
    interpolation = cv2.INTER_NEAREST if sharp else cv2.INTER_CUBIC
    assert_in_documented_range(
        cv2.resize(coarse, (width, height), interpolation=interpolation), documented
    )


@pytest.mark.parametrize("side", [64, 65, 99, 256])
@pytest.mark.parametrize("kind", ["noise", "binary", "stripes", "checks", "red", "black", "white"])
def test_extreme_tiles_stay_in_their_documented_ranges(documented, kind, side):
    rng = np.random.default_rng(side)
    y, x = np.mgrid[:side, :side]
    tile = {
        "noise": rng.integers(0, 256, (side, side, 3)),
        "binary": 255 * rng.integers(0, 2, (side, side, 3)),
        "stripes": 255 * np.dstack([x // 2 % 2] * 3),
        "checks": 255 * np.dstack([(x // 8 + y // 8) % 2] * 3),
        "red": flat((255, 0, 0), side),
        "black": flat((0, 0, 0), side),
        "white": flat((255, 255, 255), side),
    }[kind].astype(np.uint8)
    assert_in_documented_range(tile, documented)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), side=st.sampled_from([64, 97, 128]))
def test_a_tile_is_encoded_alike_in_any_batch_layout_and_thread(seed, side):
    rng = np.random.default_rng(seed)
    scene = cv2.GaussianBlur(
        rng.integers(0, 256, (side + 3, 4 * side, 3), dtype=np.uint8), (5, 5), 0
    )
    # More than are measured at once.
    tiles = [
        scene[3:, left : left + side] for left in range(1, 35 * (side // 12), 2 * (side // 12))
    ]
    encoder = ColourTexture()
    together = encoder.encode(np.stack(tiles))
    with thread_pool(3, "test") as pool:
        threaded = list(pool.map(encoder.encode, (tile[None] for tile in tiles)))
    for index, tile in enumerate(tiles):
        np.testing.assert_array_equal(encoder.encode(tile[None])[0], together[index])
        np.testing.assert_array_equal(threaded[index][0], together[index])


def test_a_pure_colour_gives_its_closed_form():
    numbers = named(flat((204, 102, 153)))
    assert numbers["red_mean"] == pytest.approx(0.8)
    assert numbers["green_mean"] == pytest.approx(0.4)
    assert numbers["blue_mean"] == pytest.approx(0.6)
    assert numbers["saturation_mean"] == pytest.approx(0.5, abs=1 / 255)
    assert numbers["value_mean"] == pytest.approx(0.8)
    assert numbers["hue_concentration"] == pytest.approx(1)
    hue = np.deg2rad(330)
    assert numbers["hue_cosine"] == pytest.approx(0.5 * np.cos(hue), abs=0.005)
    assert numbers["hue_sine"] == pytest.approx(0.5 * np.sin(hue), abs=0.005)
    without_spread = [name for name in FEATURE_NAMES if "_sd" in name or "edge" in name]
    assert all(numbers[name] == 0 for name in without_spread)


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((255, 255, 255), {"background_fraction": 1, "dark_fraction": 0, "haematoxylin_mean": 0}),
        ((0, 0, 0), {"background_fraction": 0, "dark_fraction": 1, "hue_concentration": 0}),
        ((128, 128, 128), {"background_fraction": 0, "dark_fraction": 0, "lab_a_mean": 0}),
    ],
)
def test_blank_black_and_grey_tiles(rgb, expected):
    numbers = named(flat(rgb))
    assert {name: numbers[name] for name in expected} == pytest.approx(expected)
    assert numbers["nuclear_fraction"] == 0


@pytest.mark.parametrize(
    ("haematoxylin", "eosin"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.4), (0.6, 0.3)]
)
def test_deconvolution_recovers_known_amounts_of_stain(haematoxylin, eosin):
    tile = stained(np.full((64, 64), haematoxylin), np.full((64, 64), eosin))
    numbers = named(tile)
    assert numbers["haematoxylin_mean"] == pytest.approx(haematoxylin, abs=0.015)
    assert numbers["eosin_p50"] == pytest.approx(eosin, abs=0.015)
    assert numbers["residual_mean"] == pytest.approx(0, abs=0.015)


def test_deconvolution_agrees_with_solving_the_equations_per_pixel():
    tile = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    density = -np.log10((tile.reshape(-1, 3).astype(float) + 1) / 256)
    third = np.cross(HAEMATOXYLIN_OD, EOSIN_OD)
    stains = np.stack([HAEMATOXYLIN_OD, EOSIN_OD, third / np.linalg.norm(third)], axis=1)
    amounts = np.linalg.solve(stains, density.T).reshape(3, 64, 64)
    levels = np.clip(100 * amounts + np.array([0, 0, 128])[:, None, None], 0, 255)
    for plane, expected in zip(np.moveaxis(separate_stains(tile), 2, 0), levels, strict=True):
        assert np.abs(plane - expected).max() <= 0.51


def test_histogram_statistics_agree_with_numpy():
    tile = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (96, 80, 3), dtype=np.uint8), (9, 9), 0
    )
    numbers = named(tile)
    plane = separate_stains(tile)[..., 0] / 100
    assert numbers["haematoxylin_mean"] == pytest.approx(plane.mean())
    assert numbers["haematoxylin_sd"] == pytest.approx(plane.std())
    for percent in (5, 25, 50, 75, 95):
        expected = np.percentile(plane, percent, method="inverted_cdf")
        assert numbers[f"haematoxylin_p{percent:02d}"] == pytest.approx(expected)
    shares = np.unique(plane, return_counts=True)[1] / plane.size
    assert numbers["haematoxylin_entropy"] == pytest.approx(-(shares * np.log2(shares)).sum() / 8)


def test_tissue_statistics_leave_out_glass():
    tile = flat((255, 255, 255))
    tile[:, 32:] = stained(np.full((128, 96), 0.5), np.full((128, 96), 0.2))
    numbers = named(tile)
    assert numbers["background_fraction"] == pytest.approx(0.25)
    assert numbers["haematoxylin_mean"] == pytest.approx(0.375, abs=0.01)
    assert numbers["haematoxylin_tissue_mean"] == pytest.approx(0.5, abs=0.01)
    assert len(intensity.NAMES) == 33


def test_binary_patterns_of_a_constant_are_all_ones():
    shares = binary_patterns.pattern_shares([np.full((20, 30), 7, np.uint8)])
    assert shares.tolist() == [[0] * 8 + [1, 0]]


def test_binary_patterns_agree_with_counting_pixel_by_pixel():
    plane = np.random.default_rng(2).integers(0, 6, (24, 19), dtype=np.uint8)
    counts = np.zeros(10)
    ring = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    for y in range(1, 23):
        for x in range(1, 18):
            bits = [int(plane[y + dy, x + dx] >= plane[y, x]) for dy, dx in ring]
            changes = sum(a != b for a, b in zip(bits, bits[1:] + bits[:1], strict=True))
            counts[sum(bits) if changes <= 2 else 9] += 1
    np.testing.assert_allclose(binary_patterns.pattern_shares([plane])[0], counts / counts.sum())


def test_parallel_fibres_are_coherent_and_noise_is_not():
    y, x = np.mgrid[:256, :256]
    wave = 0.4 + 0.2 * np.sin(2 * np.pi * (x + 2 * y) / 24)
    fibres = named(stained(np.full_like(wave, 0.1), wave))
    noise = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, (256, 256)), (0, 0), 3)
    grains = named(stained(np.full_like(noise, 0.1), 0.4 + 0.6 * noise))
    for name in ("eosin_coherence_local_2px", "eosin_coherence_tile_2px"):
        assert fibres[name] > 0.95
        assert grains[name] < 0.4


def test_a_ramp_gives_its_slope():
    ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (128, 1))
    rms, spread, local, tile = gradients._tensor_statistics(
        np.array([gradients._structure_tensor(ramp[:, 8:-8], (3, 4))], dtype=float)
    )[0]
    # 2 levels a pixel are 0.2 OD per 10 px; columns at the border see a mirrored neighbour.
    assert rms == pytest.approx(0.2, rel=0.02)
    assert spread < 0.01
    assert local == tile == pytest.approx(1)


def test_edges_and_directions_do_not_change_when_a_tile_is_turned():
    tile = painted_nuclei(30)
    upright, turned = named(tile), named(np.rot90(tile))
    for name in FEATURE_NAMES:
        assert turned[name] == pytest.approx(upright[name], abs=0.02), name


def test_evenness_of_a_full_a_half_and_an_empty_mask():
    full = np.full((128, 128), 255, np.uint8)
    half = full.copy()
    half[64:] = 0
    evenness = spatial.evenness([full, half, np.zeros_like(full)])
    np.testing.assert_allclose(evenness, np.repeat([[1], [0.5], [0]], 4, axis=1))


@pytest.mark.parametrize("count", [5, 20, 50])
def test_painted_nuclei_are_counted_and_sized(count):
    numbers = named(painted_nuclei(count))
    per_tile = 256 * 256 / 1000
    assert numbers["nuclear_density"] * per_tile == pytest.approx(count, rel=0.1)
    assert numbers["nuclear_blob_density"] * per_tile == pytest.approx(count, rel=0.35)
    # The mask is drawn wide, since its threshold has to find pale nuclei too.
    assert 1 < numbers["nuclear_area_mean"] * 1000 / (np.pi * 36) < 1.8
    assert numbers["nuclear_haematoxylin_mean"] > 0.45
    assert numbers["nuclear_contrast"] > 0.3


def test_stroma_scores_lower_nuclear_density_than_a_nest_of_cells():
    stroma, nest = named(painted_nuclei(0)), named(painted_nuclei(60))
    assert stroma["nuclear_density"] == 0
    assert nest["nuclear_density"] > 0.8
    assert nest["haematoxylin_band_4px_rms"] > 5 * stroma["haematoxylin_band_4px_rms"]


def test_lumens_are_counted_as_holes():
    tile = stained(np.full((256, 256), 0.2), np.full((256, 256), 0.4))
    for centre in ((60, 60), (180, 90), (120, 200)):
        cv2.circle(tile, centre, 24, (245, 245, 245), -1)
    numbers = named(tile)
    assert numbers["hole_density"] * 256 * 256 / 1000 == pytest.approx(3)
    assert numbers["hole_largest_fraction"] == pytest.approx(np.pi * 24**2 / 256**2, rel=0.1)
    assert numbers["hole_extent"] == pytest.approx(np.pi / 4, abs=0.05)


def test_stains_that_lie_apart_are_anticorrelated():
    x = np.tile(np.arange(256) // 64 % 2, (256, 1)).astype(float)
    apart = named(stained(0.1 + 0.5 * x, 0.6 - 0.5 * x))
    together = named(stained(0.1 + 0.5 * x, 0.1 + 0.5 * x))
    assert apart["stain_correlation"] < -0.95
    assert together["stain_correlation"] > 0.95


@pytest.mark.parametrize(
    "tiles",
    [
        np.zeros((2, 64, 64, 3), np.float32),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((1, 64, 64, 4), np.uint8),
        np.zeros((1, 63, 64, 3), np.uint8),
    ],
)
def test_tiles_of_the_wrong_kind_are_refused(tiles):
    with pytest.raises(ValueError, match="tiles must be"):
        ColourTexture().encode(tiles)


def test_options_that_mean_nothing_here_are_refused():
    from slidesieve.encoders.registry import load_encoder

    with pytest.raises(ConfigError, match="no weights"):
        load_encoder({"name": "colour_texture", "weights": "w.pth"})
    with pytest.raises(ConfigError, match="no model name"):
        load_encoder("colour_texture:large")


def test_it_needs_no_torch():
    import subprocess
    import sys

    code = (
        "import sys; from slidesieve.encoders.registry import load_encoder; "
        "load_encoder('colour_texture'); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'pandas', 'matplotlib', 'skimage')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_planes_halve_from_level_to_level():
    planes = take_apart(flat((200, 120, 160), 80))
    assert planes.haematoxylin_full.shape == (80, 80)
    for pyramid in (planes.haematoxylin, planes.eosin):
        assert {level: plane.shape[0] for level, plane in pyramid.items()} == {
            1: 40,
            2: 20,
            3: 10,
            4: 5,
        }


def test_real_adenocarcinoma_is_told_from_normal_lung(shared_data):
    folder = shared_data / "tiles" / "lung"
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::3]
    tiles = [cv2.imread(str(folder / row["path"]), cv2.IMREAD_COLOR_RGB) for row in rows]
    features = np.concatenate([ColourTexture().encode(tile[None]) for tile in tiles])
    labels = np.array([row["label"] == "lung_aca" for row in rows])
    groups = np.array([row["prototype_group"] for row in rows])
    scores = np.zeros(len(rows))
    for train, test in StratifiedGroupKFold(5).split(features, labels, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        scores[test] = model.fit(features[train], labels[train]).decision_function(features[test])
    assert roc_auc_score(labels, scores) > 0.95
