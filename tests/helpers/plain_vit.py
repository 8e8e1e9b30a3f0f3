"""A vision transformer in plain torch, on tensors by the names that checkpoints use.

Written from the papers and the encoders' descriptions, to compare our towers with; it shares no
code with timm.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]


def random_state(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> State:
    """Tensors of small random numbers, so that every term of a forward pass matters."""
    generator = torch.Generator().manual_seed(seed)
    return {
        key: torch.randn(shape, generator=generator) * (0.3 if len(shape) > 1 else 0.5)
        for key, shape in shapes.items()
    }


def vit_shapes(
    width: int,
    depth: int,
    patch_px: int,
    n_tokens: int,
    hidden: int,
    packed: int = 1,
    **extra: bool,
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a ViT in the layout of timm and of the official CONCH trunk.

    Args:
        width: D.
        depth: Number of blocks.
        patch_px: Side of a patch.
        n_tokens: Tokens that have a position code.
        hidden: Width of the feed-forward layer.
        packed: 2 where the first feed-forward matrix holds gate and value.
        extra: `layer_scale` and `registers` (their number).
    """
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, n_tokens, width),
        "patch_embed.proj.weight": (width, 3, patch_px, patch_px),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    if extra.get("registers"):
        shapes["reg_token"] = (1, int(extra["registers"]), width)
    for block in range(depth):
        shapes |= {
            f"blocks.{block}.{name}": shape
            for name, shape in {
                "norm1.weight": (width,),
                "norm1.bias": (width,),
                "attn.qkv.weight": (3 * width, width),
                "attn.qkv.bias": (3 * width,),
                "attn.proj.weight": (width, width),
                "attn.proj.bias": (width,),
                "norm2.weight": (width,),
                "norm2.bias": (width,),
                "mlp.fc1.weight": (packed * hidden, width),
                "mlp.fc1.bias": (packed * hidden,),
                "mlp.fc2.weight": (width, hidden),
                "mlp.fc2.bias": (width,),
            }.items()
        }
        if extra.get("layer_scale"):
            shapes |= {f"blocks.{block}.ls{i}.gamma": (width,) for i in (1, 2)}
    return shapes


def vit_tokens(
    state: State, images: Tensor, n_heads: int, positions: Tensor | None = None
) -> Tensor:
    """Output tokens (B, P + N, D) of images (B, 3, h, w), the last layer norm applied."""
    kernel = state["patch_embed.proj.weight"]
    patches = F.conv2d(images, kernel, state["patch_embed.proj.bias"], stride=kernel.shape[-1])
    prefix = [state["cls_token"]] + ([state["reg_token"]] if "reg_token" in state else [])
    tokens = torch.cat(
        [
            *(token.expand(len(images), -1, -1) for token in prefix),
            patches.flatten(2).transpose(1, 2),
        ],
        dim=1,
    )
    tokens = tokens + (state["pos_embed"] if positions is None else positions)
    for block in range(sum(key.endswith("norm1.weight") for key in state)):
        part = {
            key.removeprefix(f"blocks.{block}."): value
            for key, value in state.items()
            if key.startswith(f"blocks.{block}.")
        }
        tokens = tokens + part.get("ls1.gamma", 1) * _attention(
            _norm(tokens, part, "norm1"), part, n_heads
        )
        tokens = tokens + part.get("ls2.gamma", 1) * _feed_forward(
            _norm(tokens, part, "norm2"), part
        )
    return _norm(tokens, state, "norm")


def _norm(tokens: Tensor, state: State, name: str, eps: float = 1e-6) -> Tensor:
    mean = tokens.mean(-1, keepdim=True)
    variance = tokens.var(-1, keepdim=True, unbiased=False)
    return (tokens - mean) / (variance + eps).sqrt() * state[f"{name}.weight"] + state[
        f"{name}.bias"
    ]


def layer_norm(tokens: Tensor, state: State, name: str, eps: float) -> Tensor:
    """Layer norm by its definition."""
    return _norm(tokens, state, name, eps)


def _attention(tokens: Tensor, state: State, n_heads: int) -> Tensor:
    qkv = tokens @ state["attn.qkv.weight"].T + state["attn.qkv.bias"]
    mixed = attend(*qkv.chunk(3, dim=-1), n_heads)
    return mixed @ state["attn.proj.weight"].T + state["attn.proj.bias"]


def attend(queries: Tensor, keys: Tensor, values: Tensor, n_heads: int) -> Tensor:
    """Multi-head attention, a head at a time: (B, M, D), (B, N, D), (B, N, D) -> (B, M, D)."""
    heads = []
    for q, k, v in zip(
        *(part.chunk(n_heads, dim=-1) for part in (queries, keys, values)), strict=True
    ):
        weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)
        heads.append(weights @ v)
    return torch.cat(heads, dim=-1)


def _feed_forward(tokens: Tensor, state: State) -> Tensor:
    hidden = tokens @ state["mlp.fc1.weight"].T + state["mlp.fc1.bias"]
    if hidden.shape[-1] == state["mlp.fc2.weight"].shape[1]:
        hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))  # GELU
    else:
        gate, value = hidden.chunk(2, dim=-1)  # SwiGLU
        hidden = gate * torch.sigmoid(gate) * value
    return hidden @ state["mlp.fc2.weight"].T + state["mlp.fc2.bias"]
