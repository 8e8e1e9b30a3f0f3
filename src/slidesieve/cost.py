"""What a model costs on one bag: tokens, FLOPs, memory, latency."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from slidesieve.tokens import TokenBatch

_WARM_UPS = 2
_MB = 1e6
_GIGA = 1e9


def measure_cost(
    model: nn.Module, n_tokens: int, dim: int, device: str, threads: int, repeats: int
) -> dict[str, int | float | str]:
    """Measure one evaluation-mode forward pass over one bag of random tokens.

    Args:
        model: Called as model(TokenBatch) → (SlideOutput, Reduction); put in evaluation mode.
        n_tokens: Tokens in the bag.
        dim: Width of a token.
        device: "cpu" or a CUDA device; model and bag are moved there.
        threads: CPU threads of torch during the measurement.
        repeats: Timed passes, after two that are not timed.

    Returns:
        The columns of cost.csv that follow encoder and model:
        tokens_in, tokens_out; gflops, 10⁹ floating-point operations of matrix products,
        convolutions and attention as torch's counter finds them, a multiply-add being 2 and
        elementwise work not counted; peak_memory_mb, 10⁶ bytes of weights, bag and everything
        alive at the worst moment of the pass (`peak_bytes`); latency_ms_median; device; threads.
    """
    model = model.to(device).eval()
    bag = random_bag(n_tokens, dim).to(device)
    with torch.no_grad(), _threads(threads):
        _, reduction = model(bag)
        return {
            "tokens_in": n_tokens,
            "tokens_out": int(reduction.tokens.lengths[0]),
            "gflops": count_flops(model, bag) / _GIGA,
            "peak_memory_mb": peak_bytes(model, bag) / _MB,
            "latency_ms_median": median(_latencies_ms(model, bag, repeats)),
            "device": device,
            "threads": threads,
        }


def random_bag(n_tokens: int, dim: int) -> TokenBatch:
    """Return one bag of normal features on a square grid; always the same for the same sizes."""
    generator = torch.Generator().manual_seed(0)
    side = max(1, int(n_tokens**0.5))
    place = torch.arange(n_tokens)
    return TokenBatch(
        features=torch.randn(1, n_tokens, dim, generator=generator),
        mask=torch.ones(1, n_tokens, dtype=torch.bool),
        coords=torch.stack([place % side, place // side], dim=-1)[None] * 256,
        size=torch.ones(1, n_tokens),
    )


def count_flops(model: nn.Module, bag: TokenBatch) -> int:
    """Return the floating-point operations of one pass, 2 per multiply-add.

    The counter has no entry for the fused attention and encoder kernels of the CPU and would
    report 0 for them, so they are done by their parts here; the operations are the same.
    """
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model(bag)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
    return counter.get_total_flops()


def peak_bytes(model: nn.Module, bag: TokenBatch) -> int:
    """Return the bytes of weights, bag and all that is alive at the worst moment of one pass.

    On CUDA the pass is watched by torch's allocator, scratch space of kernels included. On the
    CPU, where there is no such account, the tensors that operations return are followed from
    birth to death; scratch space inside an operation is not seen.
    """
    given = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
    given |= {id(tensor): tensor for tensor in vars(bag).values()}
    at_rest = sum(tensor.untyped_storage().nbytes() for tensor in given.values())
    if bag.features.is_cuda:
        return at_rest + _cuda_pass_bytes(model, bag)
    with _LiveBytes(given.values()) as live:
        model(bag)
    return at_rest + live.peak


def _cuda_pass_bytes(model: nn.Module, bag: TokenBatch) -> int:
    device = bag.features.device
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    model(bag)
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


class _LiveBytes(TorchDispatchMode):
    """Follows the storages that operations make: `peak` is the most bytes alive at once."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()
        self.peak = 0
        self._alive = 0
        self._seen = weakref.WeakSet(tensor.untyped_storage() for tensor in known)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # noqa: ANN001, ANN204
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._meet(tensor.untyped_storage())
        self.peak = max(self.peak, self._alive)
        return result

    def _meet(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        self._alive += storage.nbytes()
        weakref.finalize(storage, self._forget, storage.nbytes())

    def _forget(self, n_bytes: int) -> None:
        self._alive -= n_bytes


def _latencies_ms(model: nn.Module, bag: TokenBatch, repeats: int) -> list[float]:
    return [_timed_pass_ms(model, bag) for _ in range(_WARM_UPS + repeats)][_WARM_UPS:]


def _timed_pass_ms(model: nn.Module, bag: TokenBatch) -> float:
    start = time.perf_counter()
    model(bag)
    if bag.features.is_cuda:
        torch.cuda.synchronize(bag.features.device)
    return (time.perf_counter() - start) * 1e3


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
