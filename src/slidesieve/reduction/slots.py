"""Semantic slot aggregation: the token compressor of TC-SSA."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from pydantic import Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.nn.dropout import dropout_layer
from slidesieve.parsing.settings import STRICT
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import keep_tokens
from slidesieve.tokens import Reduction, TokenBatch

_ROUTES = 2  # slots a token goes to
_GATE_NOISE = 0.1
_LEAST_WEIGHT = 1e-9
_ENTROPY_WEIGHT = 0.5
_LOGIT_WEIGHT = 1e-4


@dataclass(frozen=True, config=STRICT)
class SlotSettings:
    """Settings of slot aggregation."""

    k: StrictInt = Field(default=32, ge=_ROUTES, description="Number of slots.")
    hidden_dim: StrictInt = Field(
        default=512, ge=1, description="Width of the slots' hidden layers."
    )
    dropout: StrictFloat = Field(
        default=0.25, ge=0, lt=1, description="Of the hidden layers, in training."
    )
    balance: StrictFloat = Field(default=0.1, ge=0, description="λ, weight of the loss.")


class SlotAggregation(TokenReducer):
    """Pools the tokens into k learned slots (TC-SSA, Chen et al. 2026).

    P_i = softmax(W_g x_i), all but its two largest entries set to 0 (P̃)
    c_k = Σ_i P̃_ik x_i / (Σ_i P̃_ik + 1e-9);  z_k = c_k + LN(W₂ Dropout(GELU(W₁ c_k))), W of the slot
    loss = λ [K Σ_k P̄_k f_k + ½ (1 − H(P̄) / log K) + 1e-4 mean_i (log Σ_k exp g_ik)²]

    with P̄ the mean of P over a bag and f_k the share of its routes that lead to slot k. Normal
    noise of sd 0.1 is added to the gate's logits in training. Unlike TC-SSA's, slots that are no
    token's first choice are left out: a token has to stand for some tile. Slots come in their own
    order; a slot's place is that of the token it weighs most.

    Args:
        dim: Width of the tokens.
        settings: How many slots, and their networks.
    """

    def __init__(self, dim: int, settings: SlotSettings) -> None:
        super().__init__(dim)
        self.balance = settings.balance
        self.gate = nn.Linear(dim, settings.k)
        self.experts = SlotExperts(settings.k, dim, settings.hidden_dim, settings.dropout)

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Pool each bag into its slots."""
        logits = self.gate(tokens.features).float()
        if self.training:
            logits = logits + _GATE_NOISE * torch.randn_like(logits)
        routed = logits.softmax(dim=-1) * tokens.mask[..., None]
        routes = torch.zeros_like(routed).scatter(-1, routed.topk(_ROUTES).indices, 1.0)
        routes = routes * tokens.mask[..., None]
        weights = routed * routes
        pooled = weights.transpose(1, 2) @ tokens.features.float()
        pooled = pooled / (weights.sum(dim=1)[..., None] + _LEAST_WEIGHT)
        first_choice = weights.argmax(dim=-1)
        slots, source = _slots_in_use(tokens, self.experts(pooled), weights, first_choice)
        losses = {}
        if self.training:
            losses["slot_balance"] = self.balance * balance_loss(
                logits, routed, routes, tokens.mask
            )
        return Reduction(tokens=slots, source=source, losses=losses)


class SlotExperts(nn.Module):
    """A small network for every slot: z = c + LN(W₂ Dropout(GELU(W₁ c)))."""

    def __init__(self, k: int, dim: int, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.w1 = nn.Parameter(_uniform(k, dim, hidden_dim))
        self.b1 = nn.Parameter(torch.zeros(k, 1, hidden_dim))
        self.w2 = nn.Parameter(_uniform(k, hidden_dim, dim))
        self.b2 = nn.Parameter(torch.zeros(k, 1, dim))
        self.scale = nn.Parameter(torch.ones(k, 1, dim))
        self.shift = nn.Parameter(torch.zeros(k, 1, dim))
        self.dropout = dropout_layer(dropout)

    def forward(self, slots: Tensor) -> Tensor:
        """Refine slots (B, k, D), each by its own network."""
        x = slots.transpose(0, 1)
        hidden = self.dropout(functional.gelu(torch.baddbmm(self.b1, x, self.w1)))
        refined = torch.baddbmm(self.b2, hidden, self.w2)
        normal = functional.layer_norm(refined, refined.shape[-1:]) * self.scale + self.shift
        return (x + normal).transpose(0, 1)


def balance_loss(logits: Tensor, routed: Tensor, routes: Tensor, mask: Tensor) -> Tensor:
    """Return TC-SSA's auxiliary loss, the mean over the bags.

    Args:
        logits: (B, N, K), the gate's g.
        routed: (B, N, K), P, 0 in padding.
        routes: (B, N, K), 1 for the slots a token goes to, 0 in padding.
        mask: (B, N) bool.
    """
    n_slots = logits.shape[-1]
    n_tokens = mask.sum(dim=1, keepdim=True)
    mean = routed.sum(dim=1) / n_tokens
    share = routes.sum(dim=1) / (n_tokens * _ROUTES)
    switch = n_slots * (mean * share).sum(dim=1)
    entropy = torch.special.entr(mean).sum(dim=1) / math.log(n_slots)
    squares = logits.logsumexp(dim=-1).square() * mask
    logit = squares.sum(dim=1) / n_tokens.squeeze(1)
    return (switch + _ENTROPY_WEIGHT * (1 - entropy) + _LOGIT_WEIGHT * logit).mean()


def _slots_in_use(
    tokens: TokenBatch, slots: Tensor, weights: Tensor, first_choice: Tensor
) -> tuple[TokenBatch, Tensor]:
    """Return the slots that are some token's first choice, and each token's slot among them."""
    size = tokens.size.new_zeros(slots.shape[:2]).scatter_add(1, first_choice, tokens.size)
    heaviest = weights.argmax(dim=1)
    all_slots = replace(
        tokens,
        features=slots,
        mask=size > 0,
        coords=tokens.coords.gather(1, heaviest[..., None].expand(-1, -1, 2)),
        size=size,
    )
    used = keep_tokens(all_slots, all_slots.mask)
    source = used.source.gather(1, first_choice)
    return used.tokens, torch.where(tokens.mask, source, -1)


def _uniform(k: int, n_in: int, n_out: int) -> Tensor:
    bound = n_in**-0.5
    return torch.empty(k, n_in, n_out).uniform_(-bound, bound)
