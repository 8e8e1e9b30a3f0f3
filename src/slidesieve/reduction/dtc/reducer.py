"""DTC-WSI as a token reducer."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from slidesieve.nn.rows import log_softmax_of_bag, rows_at
from slidesieve.reduction.base import Standardiser, TokenReducer
from slidesieve.reduction.curriculum import Curriculum
from slidesieve.reduction.dtc.degenerate_terms import warn_of_degenerate_terms
from slidesieve.reduction.dtc.gate import gate_values, mean_over_bag, normalised
from slidesieve.reduction.dtc.importance import (
    ImportanceNetwork,
    relative_importance,
)
from slidesieve.reduction.dtc.index_maps import carried_back, carry, follow, scaled
from slidesieve.reduction.dtc.matching import (
    Pairs,
    choose_pairs,
    find_candidates,
    random_candidates,
)
from slidesieve.reduction.dtc.merging import Merged, group_means, merge_pairs, no_merge
from slidesieve.reduction.dtc.pool import RowReader, Table, TokenPool
from slidesieve.reduction.dtc.positional import PositionalCode
from slidesieve.reduction.dtc.pruning import prune
from slidesieve.reduction.dtc.random_keys import random_keys
from slidesieve.reduction.dtc.scan import scan_order
from slidesieve.reduction.dtc.settings import DTCSettings
from slidesieve.reduction.dtc.sparsity import sparsity_of_stage
from slidesieve.reduction.dtc.state import Plan, ScoredState, State, plan_batch
from slidesieve.reduction.guidance import guided_pass
from slidesieve.reduction.selection import positions
from slidesieve.reduction.trace import StageTrace
from slidesieve.tokens import Reduction, TokenBatch


class DTC(TokenReducer):
    """Compresses a slide in stages: score, merge, gate, prune (Algorithm 1 of DTC-WSI).

    Rahman et al., MIDL 2026, PMLR 315:3846-3865.

    Stage t, on n tokens h (section 4 of docs/explanation/dtc-wsi.md):
    s = g_φ(h);  α = softmax(s)
    u_ij = λ cos(h_i, h_j) − (1 − λ) |importance_i − importance_j|;  the best pairs merge:
    h ← (α_i h_i + α_j h_j) / (α_i + α_j)
    m = σ(γ (importance − τ));  after the last stage h ← h · ∏ m / max(m)
    evaluation: the tokens of greatest importance stay, as many as the plan says.
    In training the retention falls from 1 to r, and half of the passes are guided: nothing is
    compressed and α learns from the attention of the aggregator, which is how it hears of the
    slide's label (docs/evidence/generalisation.md has the ablation).

    Args:
        dim: Width of the tokens.
        settings: Its switches.
    """

    def __init__(self, dim: int, settings: DTCSettings) -> None:
        super().__init__(dim)
        self.settings = settings
        warn_of_degenerate_terms(self.settings)
        self.position = PositionalCode(dim, self.settings.position)
        self.dim_out = self.position.dim_out
        n_networks = self.settings.n_stages if self.settings.per_stage_scorer else 1
        self.networks = nn.ModuleList(
            ImportanceNetwork(self.dim_out, self.settings.hidden_dim) for _ in range(n_networks)
        )
        self.guidance_weight = self.settings.guidance_weight
        self._curriculum = Curriculum()

    @property
    def warmup_share(self) -> float:
        """Share of the steps before training compresses as evaluation does."""
        return self.settings.compression_end

    def schedule(self, step: int, steps: int) -> None:
        """Let the retention of training fall, and say how many passes are guided."""
        chosen = self.settings
        self._curriculum = Curriculum.at(
            step,
            chosen.compression_start * steps,
            chosen.compression_end * steps,
            chosen.guided_share,
            chosen.guided_end * steps,
        )

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Compress a batch; in training the loss "dtc_sparsity" is β times the sparsity term."""
        if self.training and self._curriculum.draws_guided():
            return self._guided(tokens)
        return self.trace(tokens)[0]

    def _guided(self, tokens: TokenBatch) -> Reduction:
        """Hand tokens on as they came; their importance learns from the attention they get."""
        chosen = self.settings
        tokens, source = self._read(tokens)
        # Networks of their own take turns.
        network = self._networks[int(torch.randint(len(self.networks), ()))]
        scores = network(tokens.features)
        guided = guided_pass(tokens, scores, scores, chosen.spread_share, chosen.spread_tokens)
        return replace(guided, source=follow(source, guided.source))

    def reduce(self, tokens: TokenBatch, standardise: Standardiser) -> Reduction:
        """Compress a batch; without gradients, tokens are standardised as they are looked at."""
        as_they_lie = self.settings.scan == "given" and self.settings.position == "none"
        if torch.is_grad_enabled() or not as_they_lie:
            return super().reduce(tokens, standardise)
        return self._compress(tokens, positions(tokens.mask), standardise.rows)[0]

    def trace(self, tokens: TokenBatch) -> tuple[Reduction, tuple[StageTrace, ...]]:
        """Compress a batch and tell what each stage did to each token."""
        return self._compress(*self._read(tokens))

    def _compress(
        self, tokens: TokenBatch, source: Tensor, read: RowReader | None = None
    ) -> tuple[Reduction, tuple[StageTrace, ...]]:
        """Go through the stages.

        Args:
            tokens: In the order of the scan.
            source: (B, N) where each token given is among them, -1 in padding.
            read: See `TokenPool`.
        """
        settings = self.settings.at(self._curriculum.progress) if self.training else self.settings
        plans = plan_batch(tokens.lengths, settings)
        pool = TokenPool(tokens, read)
        state = State(pool, pool.references, tokens.mask.float(), scores=None, hidden=None)
        traces, terms = [], []
        for stage, plan in enumerate(plans):
            state, trace, term = self._stage(stage, state, plan)
            traces.append(replace(trace, entered=source))
            terms.append(term)
            source = follow(source, trace.went)
        pool, tokens, scale = state.pool, state.tokens, state.scale
        # Hidden states are as large as half the bag, and nobody needs them any more.
        del state
        gated = self._gates_apply and not self.settings.gate_feeds_back
        tokens = pool.look_up(tokens, scale if gated else None)
        has_loss = self.training and self.settings.sparsity != "none"
        sparsity = self.settings.sparsity_weight * torch.stack(terms).sum()
        losses = {"dtc_sparsity": sparsity} if has_loss else {}
        return Reduction(tokens, source, losses), tuple(traces)

    @property
    def _networks(self) -> list[ImportanceNetwork]:
        return cast(list[ImportanceNetwork], list(self.networks))

    @property
    def _scores_last(self) -> bool:
        """Whether the score of a token that leaves a stage is its score in the next one."""
        changed = self.settings.gate_feeds_back and self._gates_apply
        return (
            self.settings.merged_importance == "recompute"
            and not self.settings.per_stage_scorer
            and not changed
        )

    @property
    def _gates_apply(self) -> bool:
        """Whether gates scale tokens in this mode."""
        return self.settings.gate_input != "none" and (
            self.training or self.settings.gate_at_inference
        )

    def _read(self, tokens: TokenBatch) -> tuple[TokenBatch, Tensor]:
        """Add the positional code, bring tokens into the order of the scan, say where each is."""
        tokens = self.position(tokens)
        source = positions(tokens.mask)
        if self.settings.scan == "given":
            return tokens, source
        order = scan_order(tokens, self.settings.scan)
        scanned = replace(
            tokens,
            features=rows_at(tokens.features, order),
            mask=tokens.mask,
            coords=rows_at(tokens.coords, order),
            size=tokens.size.gather(1, order),
        )
        return scanned, torch.empty_like(order).scatter(1, order, source)

    def _stage(self, stage: int, state: State, plan: Plan) -> tuple[State, StageTrace, Tensor]:
        """Return what enters the next stage, the stage's record and its sparsity term."""
        scored = self._scored(stage, state)
        pool, tokens, scores = scored.pool, scored.tokens, scored.scores
        log_importance = log_softmax_of_bag(scores, tokens.mask)
        pairs = self._pairs(stage, scored, log_importance, plan)
        if pairs is None:
            merged = no_merge(tokens, log_importance)
            left = tokens
        else:
            merged = merge_pairs(tokens, log_importance, pairs, self.settings.order)
            means = group_means(pool.features, tokens, merged, pairs)
            left = pool.with_means(merged.tokens, merged.is_merged, means)
            scores = self._scores_after(stage, scored, merged, pairs)
        log_after = self._importance_after(merged, scores)
        scale = carry(merged.weight * scored.scale, merged.went, left.mask)
        gate = None
        if self.settings.gate_input != "none":
            gate = gate_values(log_after, plan.left, self.settings)
            factor = self._factor(gate, left.mask)
            scale = scale * factor
            if self.settings.gate_feeds_back and self._gates_apply:
                pool = TokenPool(scaled(pool.look_up(left), factor))
                left = pool.references
        if self.training and not self.settings.train_hard_prune:
            kept, went = left, positions(left.mask)
        else:
            draw = 2 * stage + 1, self.training
            kept, went = prune(left, log_after, gate, plan.left, self.settings, draw)
        trace = StageTrace(
            entered=merged.into,
            importance=log_importance.detach().exp(),
            into=merged.into,
            went=follow(merged.went, went),
            importance_after=carried_back(log_after.detach().exp(), merged.went),
            size=tokens.size,
        )
        after = State(pool, kept, carry(scale, went, kept.mask), scores=None, hidden=None)
        if self._scores_last:
            after = replace(after, scores=carry(scores, went, kept.mask), hidden=scored.hidden)
        return after, trace, self._sparsity(log_importance, gate, left.mask)

    def _scored(self, stage: int, state: State) -> ScoredState:
        """Return the state with scores and hidden states, asking the network if there are none."""
        if state.scores is not None and state.hidden is not None:
            return ScoredState(state.pool, state.tokens, state.scale, state.scores, state.hidden)
        pool = state.pool
        if state.tokens is not pool.references:
            pool = TokenPool(pool.look_up(state.tokens))
        network = self._network(stage)
        hidden = pool.features.map(network.hidden)
        scores = network.score(hidden).view(pool.references.mask.shape)
        return ScoredState(pool, pool.references, state.scale, scores, Table(hidden))

    def _network(self, stage: int) -> ImportanceNetwork:
        return self._networks[stage if self.settings.per_stage_scorer else 0]

    def _pairs(
        self, stage: int, state: ScoredState, log_importance: Tensor, plan: Plan
    ) -> Pairs | None:
        """Return who merges with whom, or None where no slide has anything to merge."""
        tokens = state.tokens
        merges = torch.minimum(plan.merges, tokens.lengths // 2)
        if not merges.any():
            return None
        if self.settings.matching == "random":
            keys = random_keys(tokens, 2 * stage, self.training)
            candidates = random_candidates(tokens.mask, keys)
        else:
            contrast = self._contrast(log_importance, plan)
            candidates = find_candidates(state.pool, tokens, contrast, self.settings)
        return choose_pairs(candidates, merges)

    def _contrast(self, log_importance: Tensor, plan: Plan) -> Tensor:
        """Return what the merge utility compares, (B, N)."""
        log_importance = log_importance.detach()
        if self.settings.utility_importance == "raw":
            return log_importance.exp()
        if self.settings.utility_importance == "gate":
            return gate_values(log_importance, plan.left, self.settings)
        return relative_importance(log_importance)

    def _scores_after(self, stage: int, state: ScoredState, merged: Merged, pairs: Pairs) -> Tensor:
        """Return s of the tokens after merging, (B, M); merged ones are scored if asked for."""
        carried = state.scores.gather(1, merged.kept)
        if self.settings.merged_importance != "recompute":
            return carried
        means = group_means(state.hidden, state.tokens, merged, pairs)
        state.hidden.append(means)
        return carried.masked_scatter(merged.is_merged, self._network(stage).score(means))

    def _importance_after(self, merged: Merged, scores: Tensor) -> Tensor:
        """Return log α of the tokens after merging, (B, M), −inf in padding."""
        if self.settings.merged_importance == "max":
            return merged.log_max
        if self.settings.merged_importance == "sum":
            return merged.log_sum
        if self.settings.merged_importance == "mean":
            return merged.log_sum - merged.n_members.log()
        return log_softmax_of_bag(scores, merged.tokens.mask)

    def _factor(self, gate: Tensor, mask: Tensor) -> Tensor:
        """Return what tokens are multiplied by, (B, M)."""
        factor = normalised(gate, mask, self.settings.gate_normalise)
        if self.settings.train_hard_prune and not self.settings.gate_at_inference:
            # Forward as in evaluation, backward as if scaled: the straight-through estimator.
            factor = 1 + (factor - factor.detach())
        return factor

    def _sparsity(self, log_importance: Tensor, gate: Tensor | None, mask: Tensor) -> Tensor:
        kind = self.settings.sparsity
        if not self.training or kind == "none":
            return torch.zeros((), device=mask.device)
        mean_gate = None if gate is None else mean_over_bag(gate, mask)
        return sparsity_of_stage(kind, log_importance, mean_gate)
