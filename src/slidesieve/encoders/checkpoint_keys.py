"""How published checkpoints name and store their tensors, brought to the names of our networks.

A layout renames what it knows and drops what the features do not need; anything else is left as
it is, so that the strict load names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

State = dict[str, Tensor]


def to_own_layout(layout: str, state: Mapping[str, Tensor], network: nn.Module) -> State:
    """Bring the tensors of a published file to the names and shapes of a network.

    Args:
        layout: Key of `LAYOUTS`.
        state: Tensors by their official names.
        network: What they are for.
    """
    return LAYOUTS[layout](dict(state), network)


def _timm(state: State, network: nn.Module) -> State:
    del network
    return {key: value for key, value in state.items() if not key.startswith("head.")}


def _resnet_layer3(state: State, network: nn.Module) -> State:
    """The ResNet of timm up to its third stage; the fourth and the classifier are not needed."""
    del network
    return {key: value for key, value in state.items() if not key.startswith(("layer4.", "fc."))}


def _conch(state: State, network: nn.Module) -> State:
    """CONCH v1 is a captioner: `visual.` is wanted, without its pooler for captions."""
    del network
    unused = (
        "visual.attn_pool_caption.",
        "visual.ln_caption.",
        "text.",
        "text_decoder.",
        "logit_scale",
    )
    return {
        key.removeprefix("visual."): value
        for key, value in state.items()
        if not key.startswith(unused)
    }


def _conch_v15(state: State, network: nn.Module) -> State:
    """CONCH v1.5 keeps 14 × 14 position codes and stretches them to 28 × 28 in its forward pass.

    As in DINO, by bicubic interpolation with a factor 28.1 / 14.
    """
    key = "trunk.pos_embed"
    if key in state:
        state[key] = _stretch_positions(
            state[key], network.get_parameter("trunk.pos_embed"), offset=0.1
        )
    return state


def _hf_vit(state: State, network: nn.Module) -> State:
    """ViTModel of transformers; its pooler is not used."""
    renamed = _renamed(state, _HF_VIT)
    return _with_hf_positions({k: v for k, v in renamed.items() if "pooler." not in k}, network)


def _hf_dinov2(state: State, network: nn.Module) -> State:
    """Dinov2Model of transformers, with or without registers; the mask token is not used."""
    renamed = _renamed(state, _HF_DINOV2)
    renamed.pop("embeddings.mask_token", None)
    return _with_hf_positions(renamed, network)


# (official name, ours); q, k and v are joined afterwards.
_HF_BOTH = [
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^layernorm\.", "norm."),
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
]
_HF_VIT = [
    *_HF_BOTH,
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
]
_HF_DINOV2 = [
    *_HF_BOTH,
    (r"^embeddings\.register_tokens$", "reg_token"),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"\.mlp\.weights_in\.", ".mlp.fc1."),
    (r"\.mlp\.weights_out\.", ".mlp.fc2."),
]


def _renamed(state: State, names: list[tuple[str, str]]) -> State:
    renamed = {}
    for key, value in state.items():
        for official, own in names:
            key = re.sub(official, own, key)
        renamed[key] = value
    for key in [key for key in renamed if ".attn.query." in key]:
        parts = [key.replace(".query.", f".{name}.") for name in ("query", "key", "value")]
        if all(part in renamed for part in parts):
            joined = torch.cat([renamed.pop(part) for part in parts])
            renamed[key.replace(".query.", ".qkv.")] = joined
    return renamed


def _with_hf_positions(state: State, network: nn.Module) -> State:
    """Stretch position codes as transformers does and, with registers, add the class token's.

    timm's networks with registers have no position code of the class token: it is added to the
    token itself, which is the same sum.
    """
    positions, class_token = state.get("pos_embed"), state.get("cls_token")
    if positions is None or class_token is None or positions.ndim != 3:
        return state
    if network.no_embed_class:
        state["cls_token"] = class_token + positions[:, :1]
        stretched = _stretch_positions(
            positions, network.get_parameter("pos_embed"), n_prefix_wanted=0
        )
        state["pos_embed"] = stretched
    else:
        state["pos_embed"] = _stretch_positions(positions, network.get_parameter("pos_embed"))
    return state


def _stretch_positions(
    positions: Tensor, wanted: Tensor, n_prefix_wanted: int = 1, offset: float = 0.0
) -> Tensor:
    """Interpolate the position codes of square patch grids, bicubic, without antialiasing.

    Args:
        positions: (1, 1 + n², D), the class token's first.
        wanted: Of the network, (1, n_prefix_wanted + m², D).
        n_prefix_wanted: 1 keeps the class token's code, 0 drops it.
        offset: Added to m in the scale factor.

    Returns:
        (1, n_prefix_wanted + m², D).
    """
    prefix, patches = positions[:, :n_prefix_wanted], positions[:, 1:]
    own, side = int(patches.shape[1] ** 0.5), int((wanted.shape[1] - n_prefix_wanted) ** 0.5)
    if own**2 != patches.shape[1]:
        return positions  # for the strict load to name
    if own != side:
        grid = patches.reshape(1, own, own, -1).permute(0, 3, 1, 2)
        size = {"scale_factor": (side + offset) / own} if offset else {"size": (side, side)}
        grid = nn.functional.interpolate(grid, mode="bicubic", align_corners=False, **size)
        patches = grid.permute(0, 2, 3, 1).flatten(1, 2)
    return torch.cat([prefix, patches], dim=1)


LAYOUTS: dict[str, Callable[[State, nn.Module], State]] = {
    "timm": _timm,
    "resnet_layer3": _resnet_layer3,
    "conch": _conch,
    "conch_v15": _conch_v15,
    "hf_vit": _hf_vit,
    "hf_dinov2": _hf_dinov2,
}
