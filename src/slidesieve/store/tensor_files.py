"""Features in what torch saved: a tensor, or a mapping with one; no code in a file is run."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from slidesieve.errors import ContractError

if TYPE_CHECKING:
    from torch import Tensor

_FEATURES = ("features", "feats")
_DAMAGE = (
    *(OSError, RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError),
    *(MemoryError, pickle.UnpicklingError),
)


def read_tensor_file(path: Path) -> tuple[NDArray, NDArray | None]:
    """Read features and, where a file has them, coords, as they stand.

    Raises:
        ContractError: The file cannot be read, or does not say which tensor the features are.
    """
    import torch  # only users of .pt files need it

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        raise ContractError(
            f"{path}: cannot be read as a tensor file ({_reason(error)})"
        ) from error
    coords = None
    if isinstance(content, Mapping):
        coords = content.get("coords")
        content = _features_of(content, path)
    if not isinstance(content, torch.Tensor):
        raise ContractError(
            f"{path}: holds a {type(content).__name__}, not a tensor (N, D); save the tensor alone"
        )
    if coords is not None and not isinstance(coords, torch.Tensor):
        raise ContractError(f"{path}: coords are a {type(coords).__name__}, not a tensor (N, 2)")
    try:
        return _values(content), None if coords is None else _values(coords)
    except _DAMAGE as error:
        raise ContractError(f"{path}: its tensor cannot be read ({error})") from error


def _features_of(content: Mapping, path: Path) -> object:
    """The features of a mapping: by their name, or the only tensor beside the coords."""
    import torch

    named = [content[name] for name in _FEATURES if name in content]
    tensors = [v for k, v in content.items() if k != "coords" and isinstance(v, torch.Tensor)]
    found = named or (tensors if len(tensors) == 1 else [])
    if not found:
        keys = ", ".join(map(str, content)) or "none"
        raise ContractError(f"{path}: no key 'features' (keys: {keys}), nor a single tensor")
    return found[0]


def _values(tensor: Tensor) -> NDArray:
    import torch

    tensor = tensor.detach()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    # numpy knows neither bfloat16 nor the 8-bit kinds of float.
    if tensor.is_floating_point() and tensor.dtype not in (
        torch.float16,
        torch.float32,
        torch.float64,
    ):
        tensor = tensor.float()
    return tensor.resolve_conj().resolve_neg().numpy()


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):
        return (
            "it holds more than tensors, which only running its code would read; save "
            "torch.from_numpy(array), or the tensor alone"
        )
    return f"{type(error).__name__}: {error}".splitlines()[0]
