"""Regions of a slide are brought to a network's input in one step, as its own transform does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.encoders.transforms import Preparation
from slidesieve.slide.open import open_slide

import_torchvision()

from timm.data import create_transform  # noqa: E402

CPU = torch.device("cpu")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def regions_of(slides: Path, side: int, count: int = 5) -> np.ndarray:
    with open_slide(slides / "CMU-1-Small-Region.svs") as slide:
        return np.stack([slide.read_region(200 * i, 300 * i, 0, side, side) for i in range(count)])


def preparation(interpolation: str, input_px: int = 224, resize_px: int = 224) -> Preparation:
    return Preparation((input_px,) * 2, (resize_px,) * 2, interpolation, MEAN, STD)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [200, 256, 513, 900])
def test_one_step_from_the_level_is_the_transform_of_timm_on_pil_images(
    shared_data, side, interpolation
):
    regions = regions_of(shared_data / "slides", side)
    theirs = create_transform(
        (3, 224, 224), interpolation=interpolation, crop_pct=1.0, mean=MEAN, std=STD
    )
    expected = torch.stack([theirs(Image.fromarray(region)) for region in regions])
    grey_levels = (preparation(interpolation)(regions, CPU) - expected).abs() * 255
    grey_levels *= torch.tensor(STD).view(3, 1, 1)
    # PIL rounds to 8 bits after each of its two passes, and clips there what bicubic overshoots.
    assert grey_levels.mean() < 0.2
    assert (grey_levels > 1.5).float().mean() < 1e-3
    assert grey_levels.max() <= (8 if interpolation == "bicubic" else 1.1)


@pytest.mark.parametrize("resize_px", [224, 256])
def test_many_regions_are_prepared_as_one_is(shared_data, resize_px):
    regions = regions_of(shared_data / "slides", 300, count=19)
    prepare = preparation("bicubic", resize_px=resize_px)
    together = prepare(regions, CPU)
    alone = torch.cat([prepare(region[None], CPU) for region in regions])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("side", [224, 400])
def test_in_half_precision_images_lie_within_a_quarter_of_a_grey_level(shared_data, side):
    regions = regions_of(shared_data / "slides", side)
    prepare = preparation("bicubic")
    full, half = (prepare(regions, CPU, dtype) for dtype in (torch.float32, torch.float16))
    assert half.dtype == torch.float16
    grey_levels = (half - full).abs() * 255 * torch.tensor(STD).view(3, 1, 1)
    assert grey_levels.max() <= 0.25
