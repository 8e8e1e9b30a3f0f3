"""Importing torchvision next to a torch of another build.

timm imports torchvision for its image transforms. Where a CPU-only torch stands next to a CUDA
build of torchvision, that import fails because torchvision's compiled operators cannot be loaded
and Python code registers shapes for two of them. None of them is used here, so declaring the two
is enough.
"""

from __future__ import annotations

import sys
from importlib import import_module

import torch

_OPERATORS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[torch.library.Library] = []  # a declaration lives as long as its Library


def import_torchvision() -> None:
    """Import torchvision; declare its missing operators only if it fails for want of them."""
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        _forget_torchvision()
        _declare_operators()
        import_module("torchvision")


def _forget_torchvision() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _OPERATORS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    _declared.append(library)
