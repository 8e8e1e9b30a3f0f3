"""Small checkpoints in the official layouts of CONCH and Virchow2, and forwards of their own."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.plain_vit import State, attend, layer_norm, random_state, vit_shapes, vit_tokens
from slidesieve.encoders.card import EncoderCard
from slidesieve.encoders.cards import CARDS

TRUNK, DEPTH, HEADS, POOLED = 48, 2, 4, 16
N_POSITIONS = 1 + 28 * 28


def tiny_conch() -> EncoderCard:
    """CONCH v1, narrower and shallower; all else as published."""
    return _smaller("conch_v1", token_width=POOLED)


def tiny_conch_v15() -> EncoderCard:
    """CONCH v1.5, narrower and shallower."""
    return _smaller("conch_v15", token_width=POOLED)


def tiny_virchow2() -> EncoderCard:
    """Virchow2, narrower and shallower."""
    return _smaller("virchow2", token_width=TRUNK)


def _smaller(name: str, token_width: int) -> EncoderCard:
    size = {"embed_dim": TRUNK, "depth": DEPTH, "num_heads": HEADS}
    card = CARDS[name]
    return replace(card, options={**card.options, **size}, token_width=token_width)


def conch_state() -> State:
    """A checkpoint as MahmoodLab/conch has it: the whole captioner, visual tower and text."""
    visual = {
        f"trunk.{key}": shape
        for key, shape in vit_shapes(TRUNK, DEPTH, 16, N_POSITIONS, 4 * TRUNK).items()
    }
    for kind, n_queries, width in (("contrast", 1, POOLED), ("caption", 4, 24)):
        visual |= {
            f"attn_pool_{kind}.query": (n_queries, width),
            f"attn_pool_{kind}.attn.q_proj_weight": (width, width),
            f"attn_pool_{kind}.attn.k_proj_weight": (width, TRUNK),
            f"attn_pool_{kind}.attn.v_proj_weight": (width, TRUNK),
            f"attn_pool_{kind}.attn.in_proj_bias": (3 * width,),
            f"attn_pool_{kind}.attn.out_proj.weight": (width, width),
            f"attn_pool_{kind}.attn.out_proj.bias": (width,),
            f"attn_pool_{kind}.ln_q.weight": (width,),
            f"attn_pool_{kind}.ln_q.bias": (width,),
            f"attn_pool_{kind}.ln_k.weight": (TRUNK,),
            f"attn_pool_{kind}.ln_k.bias": (TRUNK,),
            f"ln_{kind}.weight": (width,),
            f"ln_{kind}.bias": (width,),
        }
    visual["proj_contrast"] = (POOLED, POOLED)
    text = {
        "text.token_embedding.weight": (40, 8),
        "text.transformer.resblocks.0.ln_1.weight": (8,),
        "text_decoder.resblocks.0.ln_1.weight": (8,),
        "logit_scale": (),
    }
    return random_state({f"visual.{key}": shape for key, shape in visual.items()} | text)


def conch_feature(state: State, images: Tensor, projected: bool = False) -> Tensor:
    """`encode_image` of CONCH: trunk, attention pooling, layer norm, and the projection."""
    state = {k.removeprefix("visual."): v for k, v in state.items() if k.startswith("visual.")}
    tokens = vit_tokens(_below(state, "trunk."), images, HEADS)
    pool = _below(state, "attn_pool_contrast.")
    keys = layer_norm(tokens, pool, "ln_k", 1e-5)
    query = layer_norm(pool["query"], pool, "ln_q", 1e-5).expand(len(images), -1, -1)
    bias_q, bias_k, bias_v = pool["attn.in_proj_bias"].chunk(3)
    mixed = attend(
        query @ pool["attn.q_proj_weight"].T + bias_q,
        keys @ pool["attn.k_proj_weight"].T + bias_k,
        keys @ pool["attn.v_proj_weight"].T + bias_v,
        n_heads=8,
    )
    mixed = mixed @ pool["attn.out_proj.weight"].T + pool["attn.out_proj.bias"]
    pooled = layer_norm(mixed[:, 0], state, "ln_contrast", 1e-5)
    if not projected:
        return pooled
    shared = pooled @ state["proj_contrast"]
    return shared / shared.norm(dim=-1, keepdim=True)


def conch_v15_state() -> State:
    """A checkpoint as MahmoodLab/conchv1_5 has it: the visual tower, 14 × 14 position codes."""
    shapes = {
        f"trunk.{key}": shape
        for key, shape in vit_shapes(
            TRUNK, DEPTH, 16, 1 + 14 * 14, 4 * TRUNK, layer_scale=True
        ).items()
    }
    shapes |= {
        "attn_pool_contrast.query": (1, POOLED),
        "attn_pool_contrast.ln_k.weight": (TRUNK,),
        "attn_pool_contrast.ln_k.bias": (TRUNK,),
        "attn_pool_contrast.ln_q.weight": (POOLED,),
        "attn_pool_contrast.ln_q.bias": (POOLED,),
        "attn_pool_contrast.to_q.weight": (POOLED, POOLED),
        "attn_pool_contrast.to_kv.weight": (2 * POOLED, TRUNK),
        "attn_pool_contrast.to_out.weight": (POOLED, POOLED),
        "ln_contrast.weight": (POOLED,),
        "ln_contrast.bias": (POOLED,),
    }
    return random_state(shapes)


def conch_v15_feature(state: State, images: Tensor) -> Tensor:
    """The published forward of CONCH v1.5 on 448 px."""
    trunk = _below(state, "trunk.")
    codes = trunk["pos_embed"]
    grid = codes[:, 1:].reshape(1, 14, 14, TRUNK).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, scale_factor=(28.1 / 14, 28.1 / 14), mode="bicubic")
    codes = torch.cat([codes[:, :1], grid.permute(0, 2, 3, 1).reshape(1, 28 * 28, TRUNK)], dim=1)
    tokens = vit_tokens(trunk, images, HEADS, positions=codes)
    pool = _below(state, "attn_pool_contrast.")
    query = layer_norm(pool["query"], pool, "ln_q", 1e-5) @ pool["to_q.weight"].T
    keys, values = (layer_norm(tokens, pool, "ln_k", 1e-5) @ pool["to_kv.weight"].T).chunk(2, -1)
    mixed = attend(query.expand(len(images), -1, -1), keys, values, n_heads=8)
    return layer_norm((mixed @ pool["to_out.weight"].T)[:, 0], state, "ln_contrast", 1e-5)


def virchow2_state() -> State:
    """A checkpoint as paige-ai/Virchow2 has it: timm's names, 4 registers, packed SwiGLU."""
    packed = int(TRUNK * 5.3375)
    return random_state(
        vit_shapes(
            TRUNK, DEPTH, 14, 5 + 16 * 16, packed // 2, packed=2, layer_scale=True, registers=4
        )
    )


def virchow2_feature(state: State, images: Tensor) -> Tensor:
    """Class token beside the mean of the patch tokens; registers are left out."""
    tokens = vit_tokens(state, images, HEADS)
    return torch.cat([tokens[:, 0], tokens[:, 5:].mean(dim=1)], dim=-1)


def registers_state() -> State:
    """A ViT of timm with 4 registers, packed SwiGLU and position codes of the patches alone."""
    shapes = vit_shapes(TRUNK, DEPTH, 14, 16 * 16, 128, packed=2, layer_scale=True, registers=4)
    return random_state(shapes)


def registers_tokens(state: State, images: Tensor) -> Tensor:
    """Output tokens of that ViT: 5 in front of the patches."""
    codes = torch.cat([torch.zeros(1, 5, TRUNK), state["pos_embed"]], dim=1)
    return vit_tokens(state, images, HEADS, positions=codes)


def _below(state: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
