"""Scans and positional codes."""

from __future__ import annotations

import pytest
import torch

from slidesieve.reduction.dtc.positional import PositionalCode
from slidesieve.reduction.dtc.scan import scan_order
from slidesieve.tokens import TokenBatch


def grid(side, step=512, corner=(1000, 7000), shuffled=True):
    """Return one bag of side × side tokens on a grid."""
    place = torch.randperm(side * side) if shuffled else torch.arange(side * side)
    coords = torch.stack([place % side, place // side], dim=-1)[None] * step
    mask = torch.ones(1, side * side, dtype=torch.bool)
    return TokenBatch(
        torch.zeros(1, side * side, 8), mask, coords + torch.tensor(corner), mask.float()
    )


@pytest.mark.parametrize(("scan", "side"), [("hilbert", 16), ("serpentine", 16), ("serpentine", 7)])
def test_each_step_of_a_scan_goes_to_a_neighbour(scan, side):
    tokens = grid(side)
    order = scan_order(tokens, scan)
    assert order.sort(dim=1).values.tolist() == [list(range(side * side))]
    places = tokens.coords[0, order[0]]
    steps = (places[1:] - places[:-1]).abs().sum(dim=1)
    assert (steps == 512).all()


def test_padding_comes_last():
    tokens = grid(3)
    mask = tokens.mask.clone()
    mask[0, 7:] = False
    tokens = TokenBatch(tokens.features, mask, tokens.coords * mask[..., None], tokens.size * mask)
    for scan in ("hilbert", "serpentine"):
        assert scan_order(tokens, scan)[0, -2:].tolist() == [7, 8]


def test_raster_is_the_share_of_the_way():
    tokens = grid(2)
    coded = PositionalCode(8, "raster")(tokens)
    assert coded.features[0, :, 8].tolist() == [0, 0.25, 0.5, 0.75]


def test_xy_runs_from_0_to_1_along_the_longer_side():
    tokens = grid(5, shuffled=False)
    code = PositionalCode(8, "xy")(tokens).features[0, :, 8:]
    assert code[0].tolist() == [0, 0]
    assert code[-1].tolist() == [1, 1]
    assert code[1].tolist() == [0.25, 0]


@pytest.mark.parametrize(
    ("kind", "width"), [("none", 10), ("raster", 11), ("xy", 12), ("sincos", 10)]
)
def test_width_is_what_it_says(make_batch, kind, width):
    code = PositionalCode(10, kind)
    batch = make_batch([5, 9], dim=10)
    coded = code(batch)
    assert code.dim_out == coded.features.shape[-1] == width
    assert not coded.features[0, 5:].any()


def test_sincos_tells_neighbouring_tiles_apart():
    tokens = grid(100, shuffled=False)
    code = PositionalCode(8, "sincos")(tokens).features[0]
    assert (code[1:] - code[:-1]).norm(dim=1).min() > 0.1
