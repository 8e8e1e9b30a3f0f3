from __future__ import annotations

import pytest
import torch
from torch import nn

from slidesieve.inference import cost
from slidesieve.inference.cost import (
    count_flops,
    measure_cost,
    measure_long_pass,
    measure_pass,
    peak_bytes,
    random_bag,
)
from slidesieve.nn.linear import Linear
from slidesieve.tokens import Reduction, SlideOutput, TokenBatch


class KeepTen(nn.Module):
    """Keeps the first ten tokens of a bag, then one linear layer on each."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layer = nn.Linear(dim, 3, bias=False)

    def forward(self, bag: TokenBatch, labels=None):
        assert not torch.is_grad_enabled()
        kept = TokenBatch(
            bag.features[:, :10], bag.mask[:, :10], bag.coords[:, :10], bag.size[:, :10]
        )
        logits = self.layer(kept.features).mean(dim=1)
        output = SlideOutput(logits, kept.mask / 10, kept.features.mean(dim=1))
        return output, Reduction(kept, torch.full(bag.mask.shape, -1))


class Holds(nn.Module):
    """Has `together` tensors of a million bytes alive at once, whatever else it makes."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self.together = together

    def forward(self, bag: TokenBatch):
        for _ in range(3):
            held = [torch.zeros(250_000) for _ in range(self.together)]
            held[0].view(500, 500).add_(1)
            del held


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def bytes_of(bag: TokenBatch) -> int:
    return sum(tensor.nbytes for tensor in vars(bag).values())


def test_the_row_of_a_small_model():
    row = measure_cost(KeepTen(16), n_tokens=50, dim=16, device="cpu", threads=1, repeats=3)
    assert list(row) == [
        "tokens_in",
        "tokens_out",
        "gflops",
        "peak_memory_mb",
        "latency_ms_median",
        "device",
        "threads",
    ]
    assert (row["tokens_in"], row["tokens_out"]) == (50, 10)
    assert row["gflops"] == pytest.approx(2 * 10 * 16 * 3 / 1e9)
    assert row["latency_ms_median"] > 0
    assert (row["device"], row["threads"]) == ("cpu", 1)


@pytest.mark.parametrize("layer", [nn.Linear, Linear])
def test_a_linear_layer_counts_whichever_library_computes_it(layer):
    model = nn.Sequential()
    model.layer = layer(16, 3)
    model.forward = lambda bag: model.layer(bag.features)
    assert count_flops(model, random_bag(50, 16)) == 2 * 50 * 16 * 3


@pytest.mark.parametrize("measure", [lambda *of: measure_pass(*of, repeats=1), measure_long_pass])
def test_weights_and_bag_are_there_whatever_a_pass_does(measure):
    model, bag = KeepTen(16), random_bag(50, 16)
    cost = measure(model, bag, 1)
    assert cost.resting_memory_mb == pytest.approx((bytes_of(bag) + 4 * 16 * 3) / 1e6)
    assert cost.peak_memory_mb > cost.resting_memory_mb


def test_threads_are_put_back():
    before = torch.get_num_threads()
    measure_cost(KeepTen(4), 20, 4, "cpu", threads=before + 1, repeats=1)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("together", [1, 3])
def test_peak_is_what_is_alive_at_once_not_what_was_ever_made(together):
    bag = random_bag(100, 8)
    assert peak_bytes(Holds(together), bag) == bytes_of(bag) + together * 1_000_000


def test_peak_holds_weights_and_bag_once_and_views_for_nothing():
    class Views(nn.Linear):
        def forward(self, bag):
            return bag.features.view(-1), self.weight.t()

    bag = random_bag(64, 8)
    assert peak_bytes(Views(8, 1000, bias=False), bag) == bytes_of(bag) + 8 * 1000 * 4


def test_a_single_pass_counts_what_passes_of_their_own_count():
    passes = []

    class Counted(KeepTen):
        def forward(self, bag: TokenBatch, labels=None):
            passes.append(bag)
            return super().forward(bag, labels)

    model, bag = Counted(8), random_bag(50, 8)
    single = measure_long_pass(model, bag, threads=1)
    assert len(passes) == 1
    each = measure_pass(model, bag, threads=1, repeats=1, warm_ups=0)
    assert (single.gflops, single.peak_memory_mb) == (each.gflops, each.peak_memory_mb)
    assert single.gflops > 0
    assert single.cpu_ms > 0


def test_a_multiply_add_is_two_operations():
    class OneLayer(nn.Linear):
        def forward(self, bag):
            return super().forward(bag.features)

    assert count_flops(OneLayer(8, 5), random_bag(7, 8)) == 2 * 7 * 8 * 5


def test_fused_attention_counts_like_its_two_products():
    class Attention(nn.Module):
        def forward(self, bag):
            heads = bag.features.unflatten(-1, (2, 8)).transpose(1, 2)
            return nn.functional.scaled_dot_product_attention(heads, heads, heads)

    assert count_flops(Attention(), random_bag(50, 16)) == 2 * (2 * 2 * 50 * 50 * 8)


def test_counting_the_operations_of_fused_attention_holds_no_square_matrix():
    class Attention(nn.Module):
        def forward(self, bag):
            heads = bag.features.unflatten(-1, (2, 8)).transpose(1, 2)
            return nn.functional.scaled_dot_product_attention(heads, heads, heads)

    bag = random_bag(1000, 16)
    with cost._LiveBytes(vars(bag).values()) as live:
        count_flops(Attention(), bag)
    assert live.peak < 1000 * 1000


def test_an_encoder_layer_counts_its_four_projections_attention_and_mlp():
    class Encoder(nn.TransformerEncoderLayer):
        def forward(self, bag):
            return super().forward(bag.features)

    n, d, hidden = 50, 16, 32
    flops = count_flops(Encoder(d, 2, hidden, batch_first=True).eval(), random_bag(n, d))
    assert flops == 2 * (4 * n * d * d + 2 * n * n * d + 2 * n * d * hidden)
    assert torch.backends.mha.get_fastpath_enabled()


def test_random_bag_is_a_whole_valid_bag_and_always_the_same():
    bag, again = random_bag(10, 4), random_bag(10, 4)
    assert bag.features.shape == (1, 10, 4)
    assert bag.mask.all()
    assert len(torch.unique(bag.coords[0], dim=0)) == 10
    for one, other in zip(vars(bag).values(), vars(again).values(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_peak_on_cuda_sees_a_known_allocation():
    class Holds100(nn.Module):
        def forward(self, bag):
            torch.zeros(25_000_000, device=bag.features.device)

    bag = random_bag(64, 8).to("cuda")
    assert peak_bytes(Holds100(), bag) == pytest.approx(100e6, rel=0.05)
