"""Merging chosen pairs by importance (Eq. 4) and closing the ranks behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from slidesieve.nn.rows import rows_at, zero_padding
from slidesieve.reduction.dtc.matching import Pairs
from slidesieve.reduction.dtc.pool import Table
from slidesieve.reduction.selection import close_ranks
from slidesieve.tokens import TokenBatch


@dataclass(frozen=True)
class Merged:
    """Tokens after merging.

    Attributes:
        tokens: B bags of M tokens; a merged token keeps the coordinates of its first member and
            the features of its receiver, whose place `group_means` are to take.
        into: (B, N) position among the N tokens of the one each merged into; its own where it
            did not; −1 in padding.
        went: (B, N) position among the M tokens each of the N went to; −1 in padding.
        kept: (B, M) position among the N tokens of the one each is or was merged into;
            meaningless in padding.
        weight: (B, N) share of each token in the one it went to: 1 where it did not merge.
        is_merged: (B, M) bool, True for tokens made of several.
        log_sum: (B, M) logarithm of the sum of the members' importance, −inf in padding.
        log_max: (B, M) logarithm of their greatest importance, −inf in padding.
        n_members: (B, M) number of members, 1 in padding.
    """

    tokens: TokenBatch
    into: Tensor
    went: Tensor
    kept: Tensor
    weight: Tensor
    is_merged: Tensor
    log_sum: Tensor
    log_max: Tensor
    n_members: Tensor


def merge_pairs(tokens: TokenBatch, log_importance: Tensor, pairs: Pairs, order: str) -> Merged:
    """Form groups of tokens that merge and close the ranks behind them.

    h = Σ_i α_i h_i / Σ_i α_i over the members of a group: a receiver and its givers, two tokens
    unless the matching lets several givers choose one receiver. Weights are a softmax of log α
    over the group, so they do not underflow; tokens that do not merge stay bit for bit.

    Args:
        tokens: B bags of N tokens.
        log_importance: (B, N) log α, −inf in padding.
        pairs: Who merges into whom.
        order: "spatial": groups take the place of their first member. "merged_first": groups
            come first, in the order of their pairs, then all other tokens.
    """
    own = torch.arange(tokens.mask.shape[1], device=tokens.mask.device).expand(tokens.mask.shape)
    into = own.scatter(1, pairs.giver, pairs.receiver)
    groups = _Groups(log_importance, into)
    left = (into == own) & tokens.mask
    n_keys = tokens.mask.shape[1] + pairs.giver.shape[1]
    kept, mask, place_of = _in_order(_order_key(own, into, pairs, order), left, n_keys)
    first = own.scatter_reduce(1, into, own, "amin").gather(1, kept)
    is_merged = (groups.n_members.gather(1, kept) > 1) & mask
    return Merged(
        tokens=replace(
            tokens,
            features=zero_padding(rows_at(tokens.features, kept), mask),
            mask=mask,
            coords=zero_padding(rows_at(tokens.coords, first), mask),
            size=_sum_by(into, tokens.size).gather(1, kept) * mask,
        ),
        into=into.masked_fill(~tokens.mask, -1),
        went=place_of.gather(1, into).masked_fill(~tokens.mask, -1),
        kept=kept,
        weight=groups.weight,
        is_merged=is_merged,
        log_sum=groups.log_sum.gather(1, kept).masked_fill(~mask, -torch.inf),
        log_max=groups.log_max.gather(1, kept).masked_fill(~mask, -torch.inf),
        n_members=groups.n_members.gather(1, kept).masked_fill(~mask, 1),
    )


def group_means(table: Table, tokens: TokenBatch, merged: Merged, pairs: Pairs) -> Tensor:
    """Return the importance-weighted means of the groups, (G, D), in the order of `is_merged`.

    Sums are taken in float32 at least.

    Args:
        table: Features, or something else of which a row is a token's.
        tokens: B bags of N tokens by reference.
        merged: What became of them.
        pairs: Who merged into whom.
    """

    def share(bag: Tensor, place: Tensor) -> Tensor:
        rows = table.rows(tokens.features[bag, place, 0])
        # The weights are float32 at least, and so is their product with any row.
        return rows * merged.weight[bag, place][:, None]

    bag, place = merged.is_merged.nonzero().unbind(dim=1)
    means = share(bag, merged.kept[bag, place])
    number = merged.is_merged.flatten().cumsum(dim=0).view_as(merged.is_merged) - 1
    bag, pair = pairs.chosen.nonzero().unbind(dim=1)
    giver = pairs.giver[bag, pair]
    means.index_add_(0, number[bag, merged.went[bag, giver]], share(bag, giver))
    return means.to(table.dtype)


def no_merge(tokens: TokenBatch, log_importance: Tensor) -> Merged:
    """Return tokens of which none merges, untouched."""
    own = torch.arange(tokens.mask.shape[1], device=tokens.mask.device)
    kept = own.expand(tokens.mask.shape)
    own = kept.masked_fill(~tokens.mask, -1)
    return Merged(
        tokens=tokens,
        into=own,
        went=own,
        kept=kept,
        weight=torch.ones_like(log_importance),
        is_merged=torch.zeros_like(tokens.mask),
        log_sum=log_importance,
        log_max=log_importance,
        n_members=torch.ones_like(log_importance),
    )


class _Groups:
    """Importance within groups of tokens that merge, each value at the place of the receiver.

    Args:
        log_importance: (B, N) log α, −inf in padding.
        into: (B, N) position of the receiver of each token's group.
    """

    def __init__(self, log_importance: Tensor, into: Tensor) -> None:
        # In padding any finite number does: those tokens are groups of their own.
        log_importance = log_importance.masked_fill(log_importance.isinf(), 0)
        self.log_max = log_importance.scatter_reduce(1, into, log_importance, "amax")
        greatest = self.log_max.detach()
        above = (log_importance - greatest.gather(1, into)).exp()
        total = _sum_by(into, above)
        self.weight = above / total.gather(1, into)
        # Receivers alone have a total; the rest is never looked at but must have a gradient.
        self.log_sum = greatest + total.clamp(min=torch.finfo(total.dtype).tiny).log()
        self.n_members = _sum_by(into, torch.ones_like(above.detach()))


def _order_key(own: Tensor, into: Tensor, pairs: Pairs, order: str) -> Tensor:
    """Return what the tokens that are left are sorted by, (B, N); receivers stand for groups.

    Of the tokens that are left no two have the same key; it is in [0, N + K).
    """
    if order == "spatial":
        return own.scatter_reduce(1, into, own, "amin")
    n_pairs = pairs.giver.shape[1]
    rank = torch.arange(n_pairs, device=own.device).expand_as(pairs.giver)
    # Only pairs that merge move their receiver to the front.
    rank = torch.where(pairs.chosen, rank, n_pairs + own.shape[1])
    return (n_pairs + own).scatter_reduce(1, pairs.receiver, rank, "amin")


def _in_order(key: Tensor, left: Tensor, n_keys: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sort the tokens that are left by their keys, which are distinct and below a number.

    Returns:
        (B, M) their positions, (B, M) bool, False in padding, and (B, N) the place of each
        among them, meaningless for those that are gone.
    """
    own = torch.arange(key.shape[1], device=key.device).expand_as(key)
    slot = key.masked_fill(~left, n_keys)
    token_at = key.new_full((len(key), n_keys + 1), -1).scatter_(1, slot, own)[:, :n_keys]
    order, mask, place = close_ranks(token_at >= 0)
    return token_at.gather(1, order).masked_fill(~mask, 0), mask, place.gather(1, key)


def _sum_by(into: Tensor, values: Tensor) -> Tensor:
    """Return sums of (B, N) values over groups, each at its receiver's position, else 0."""
    return torch.zeros_like(values).scatter_add(1, into, values)
