"""Cost of a model on one bag: tokens, FLOPs, memory, latency."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from slidesieve.tokens import TokenBatch

_WARM_UPS = 2
_MB = 1e6
_GIGA = 1e9


def _fused_attention_flops(
    query: torch.Size, key: torch.Size, value: torch.Size, *args: object, **kwargs: object
) -> int:
    return sdpa_flop_count(query, key, value)


def _linear_flops(
    rows: torch.Size, weight: torch.Size, *args: object, out_shape: torch.Size, **kwargs: object
) -> int:
    return 2 * rows.numel() * weight[0]


def _also_counted() -> dict[object, Callable[..., int]]:
    """FLOP counts that torch lacks: the CPU's fused attention and `slidesieve.nn.linear`."""
    counted: dict[object, Callable[..., int]] = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _fused_attention_flops
    }
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        counted[torch.ops.mkldnn._linear_pointwise] = _linear_flops
    return counted


@dataclass(frozen=True)
class PassCost:
    """Cost of one forward pass.

    Attributes:
        gflops: 10⁹ floating-point operations, see `count_flops`.
        peak_memory_mb: 10⁶ bytes, see `peak_bytes`.
        resting_memory_mb: What of it is weights and bag, there before the pass and after.
        latency_ms: Median time of a pass.
        cpu_ms: Median CPU time of a pass, all threads together: what a busy machine disturbs less.
    """

    gflops: float
    peak_memory_mb: float
    resting_memory_mb: float
    latency_ms: float
    cpu_ms: float


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
        The columns of cost.csv that follow encoder and model: tokens_in, tokens_out, gflops,
        peak_memory_mb, latency_ms_median, device, threads.
    """
    model = model.to(device).eval()
    bag = random_bag(n_tokens, dim).to(device)
    with torch.no_grad():
        _, reduction = model(bag)
    cost = measure_pass(model, bag, threads, repeats)
    return {
        "tokens_in": n_tokens,
        "tokens_out": int(reduction.tokens.lengths[0]),
        "gflops": cost.gflops,
        "peak_memory_mb": cost.peak_memory_mb,
        "latency_ms_median": cost.latency_ms,
        "device": device,
        "threads": threads,
    }


@torch.no_grad()
def measure_pass(
    module: nn.Module, bag: TokenBatch, threads: int, repeats: int, warm_ups: int = _WARM_UPS
) -> PassCost:
    """Measure module(bag) in the mode the module is in.

    Args:
        module: A model, or a part of one.
        bag: On the module's device.
        threads: CPU threads of torch during the measurement.
        repeats: Timed passes.
        warm_ups: Passes before them that are not timed.
    """
    with _threads(threads):
        timed = [_timed_pass_ms(module, bag) for _ in range(warm_ups + repeats)][warm_ups:]
        latencies, cpu_times = zip(*timed, strict=True)
        return PassCost(
            gflops=count_flops(module, bag) / _GIGA,
            peak_memory_mb=peak_bytes(module, bag) / _MB,
            resting_memory_mb=_bytes_of(_at_rest(module, bag)) / _MB,
            latency_ms=median(latencies),
            cpu_ms=median(cpu_times),
        )


@torch.no_grad()
def measure_long_pass(module: nn.Module, bag: TokenBatch, threads: int) -> PassCost:
    """Measure module(bag) on the CPU in a single pass, timed while it is counted.

    For passes of seconds: there counting takes no share of the time that one could see.

    Args:
        module: A model, or a part of one.
        bag: On the CPU.
        threads: CPU threads of torch during the measurement.
    """
    given = _at_rest(module, bag)
    with _threads(threads), _flop_counter() as counter, _LiveBytes(given) as live:
        latency_ms, cpu_ms = _timed_pass_ms(module, bag)
    return PassCost(
        gflops=counter.get_total_flops() / _GIGA,
        peak_memory_mb=(_bytes_of(given) + live.peak) / _MB,
        resting_memory_mb=_bytes_of(given) / _MB,
        latency_ms=latency_ms,
        cpu_ms=cpu_ms,
    )


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
        pitch=torch.tensor([256.0], dtype=torch.float64),
    )


def count_flops(model: nn.Module, bag: TokenBatch) -> int:
    """Return the floating-point operations of one pass, a multiply-add being 2.

    Matrix products, convolutions and attention are counted, elementwise work is not. Torch's
    fused encoder layer, which would count as nothing, is done by its parts.
    """
    with _flop_counter() as counter:
        model(bag)
    return counter.get_total_flops()


@contextmanager
def _flop_counter() -> Iterator[FlopCounterMode]:
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False, custom_mapping=_also_counted()) as counter:
            yield counter
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


def peak_bytes(model: nn.Module, bag: TokenBatch) -> int:
    """Return the bytes of weights, bag and all that is alive at the worst moment of one pass.

    On CUDA the pass is watched by torch's allocator, scratch space of kernels included. On the
    CPU, where there is no such account, the tensors that operations return are followed from
    birth to death; scratch space inside an operation is not seen.
    """
    given = _at_rest(model, bag)
    if bag.features.is_cuda:
        return _bytes_of(given) + _cuda_pass_bytes(model, bag)
    with _LiveBytes(given) as live:
        model(bag)
    return _bytes_of(given) + live.peak


def _at_rest(model: nn.Module, bag: TokenBatch) -> list[Tensor]:
    """Return weights and bag, each tensor once."""
    given = [*model.parameters(), *model.buffers(), *vars(bag).values()]
    return list({id(tensor): tensor for tensor in given}.values())


def _bytes_of(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


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

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
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


def _timed_pass_ms(model: nn.Module, bag: TokenBatch) -> tuple[float, float]:
    """Return the time and the CPU time of one pass."""
    start, cpu_start = time.perf_counter(), time.process_time()
    model(bag)
    if bag.features.is_cuda:
        torch.cuda.synchronize(bag.features.device)
    return (time.perf_counter() - start) * 1e3, (time.process_time() - cpu_start) * 1e3


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
