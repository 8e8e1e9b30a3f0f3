"""The denoiser: restores gated tokens in training, and does not exist in evaluation."""

from __future__ import annotations

from slidesieve.reduction.sparselearn.blocks import Block, GlobalAttention, OwnTokenAttention


def build_denoiser(kind: str, dim: int, heads: int, zero_init: bool) -> Block | None:
    """Build one transformer block.

    Args:
        kind: "diagonal": attention with an identity mask, so that tokens cannot be restored from
            their neighbours; "global": the ablation in which they can; "none".
        dim: Width of the tokens.
        heads: Attention heads of "global".
        zero_init: Whether the block starts as the identity. What follows it then learns from
            tokens as evaluation will show them, before the block can make itself needed.
    """
    if kind == "none":
        return None
    is_diagonal = kind == "diagonal"
    block = Block(dim, OwnTokenAttention(dim) if is_diagonal else GlobalAttention(dim, heads))
    if zero_init:
        block.start_as_identity()
    return block
