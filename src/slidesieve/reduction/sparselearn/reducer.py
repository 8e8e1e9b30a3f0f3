"""SparseLearn as a token reducer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from slidesieve.nn.rows import zero_padding
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.curriculum import Curriculum
from slidesieve.reduction.guidance import guided_pass
from slidesieve.reduction.selection import keep_tokens, positions, top_tokens
from slidesieve.reduction.soft_topk import gumbel_perturbed, soft_top_k
from slidesieve.reduction.sparselearn.denoiser import build_denoiser
from slidesieve.reduction.sparselearn.encoder import SlideEncoder
from slidesieve.reduction.sparselearn.gate import GATES
from slidesieve.reduction.sparselearn.mass import overlap
from slidesieve.reduction.sparselearn.schedule import budget, temperature
from slidesieve.reduction.sparselearn.scorer import (
    MlpScorer,
    TransformerScorer,
    standardise_scores,
)
from slidesieve.reduction.sparselearn.settings import SparseLearnSettings
from slidesieve.tokens import Reduction, TokenBatch


class SparseLearn(TokenReducer):
    """Keeps the k tokens a trained scorer ranks highest (Chen et al. 2026).

    Training: x → encoder → LayerNorm → scorer → soft top-k → gate → denoiser, all N tokens going
    on, so that the slide's loss reaches the scorer through the gate. Some passes see the k best, as
    evaluation does, and until `guided_end` half of the passes are guided: nothing is selected, and
    the scores learn from the attention of what follows. Evaluation: the k best
    tokens by score, in their order and at their places; gate and denoiser take no part. The parts
    are those of docs/explanation/sparselearn.md, section 2.

    Args:
        dim: Width of the tokens.
        settings: Its switches.

    Attributes:
        settings: Its switches.
        tau: Temperature of the last step; saved with the weights.
    """

    training_parts = ("denoiser",)
    encoder: SlideEncoder
    tau: Tensor
    rms: Tensor

    def __init__(self, dim: int, settings: SparseLearnSettings) -> None:
        super().__init__(dim)
        self.settings = chosen = settings
        self.guidance_weight = chosen.guidance_weight
        self.encoder = SlideEncoder(chosen.encoder, dim, chosen.encoder_layers, chosen.heads)
        self.scorer = _build_scorer(chosen, dim)
        self.denoiser = build_denoiser(
            chosen.denoiser, dim, chosen.heads, chosen.denoiser_zero_init
        )
        self.register_buffer("tau", torch.tensor(chosen.tau_start, dtype=torch.float64))
        self.register_buffer("rms", torch.ones(()))
        self._hard_mix_prob = 0.0
        self._overlaps: list[Tensor] = []
        self._curriculum = Curriculum()

    @torch.no_grad()
    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Measure the root mean square of the training tokens, which `token_norm: scale` is by."""
        squares, count = 0.0, 0
        for bag in bags:
            encoded = self.encoder(bag.features, bag.mask)[bag.mask].double()
            squares += float(encoded.square().sum())
            count += encoded.numel()
        self.rms.fill_(math.sqrt(squares / count))

    def schedule(self, step: int, steps: int) -> None:
        """Set the temperature, the budget and whether hard passes are mixed in."""
        chosen = self.settings
        self._curriculum = Curriculum.at(
            step,
            chosen.budget_start * steps,
            chosen.budget_end * steps,
            chosen.guided_share,
            chosen.guided_end * steps,
        )
        self.tau.fill_(temperature(self.settings, step, steps))
        mixing = step >= self.settings.hard_mix_start * steps
        self._hard_mix_prob = self.settings.hard_mix_prob if mixing else 0.0

    def diagnostics(self) -> dict[str, float]:
        """Return τ and the mean overlap of soft mass and hard set in the epoch's soft passes.

        The overlap is NaN if there was no soft pass, or no bag of more than k tokens in one.
        """
        overlaps, self._overlaps = self._overlaps, []
        mean = float(torch.cat(overlaps).mean()) if overlaps else float("nan")
        return {"tau": float(self.tau), "overlap": mean}

    @property
    def warmup_share(self) -> float:
        """Share of the steps before training has the budget that evaluation has."""
        return self.settings.budget_end

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Take the hard path; in training the soft one, the hard one or none."""
        if self.training and self._curriculum.draws_guided():
            tokens, scores = self._scored(tokens)
            # The same few tokens in every pass would be learnt by heart: they are drawn, k/2 of
            # them without replacement, in proportion to the attention they are thought to get.
            choice = gumbel_perturbed(scores.detach(), tau=1.0)
            return guided_pass(tokens, scores, choice, self.settings.spread_share, self.settings.k)
        tokens, scores = self.score(tokens)
        if not self.training:
            return self.hard(tokens, scores)
        if float(torch.rand(())) >= self._hard_mix_prob:
            return self.soft(tokens, scores)
        if self.settings.hard_mix_drawn:
            scores = gumbel_perturbed(scores, float(self.tau))
        return self.hard(tokens, scores)

    def score(self, tokens: TokenBatch) -> tuple[TokenBatch, Tensor]:
        """Encode, normalise and score.

        Returns:
            The tokens at unit variance, see `token_norm`, and scores (B, N) float32
            (0 in padding if standardised, meaningless there if not).
        """
        tokens, scores = self._scored(tokens)
        if self.settings.score_norm == "zscore":
            scores = standardise_scores(scores, tokens.mask)
        return tokens, scores

    def _scored(self, tokens: TokenBatch) -> tuple[TokenBatch, Tensor]:
        """Return the tokens at unit variance and their scores as the scorer gives them."""
        encoded = self.encoder(tokens.features, tokens.mask)
        features = self._normalised(encoded.float())
        features = zero_padding(features, tokens.mask)
        return tokens.with_features(features), self.scorer(features, tokens.mask).float()

    def _normalised(self, features: Tensor) -> Tensor:
        if self.settings.token_norm == "layer":
            return functional.layer_norm(features, (self.dim_out,))
        return features / self.rms

    def soft(self, tokens: TokenBatch, scores: Tensor) -> Reduction:
        """Gate all tokens by their soft top-k weights and denoise them; draws random numbers.

        Args:
            tokens: From `score`.
            scores: From `score`.
        """
        alpha = self.weights(tokens, scores)
        if self.training:
            kept, k = self.best(tokens, scores), self.budget(tokens)
            self._overlaps.append(overlap(alpha.detach(), kept, tokens.mask, k))
        gated = self.denoised(self.gated(tokens, alpha))
        return Reduction(tokens=gated, source=positions(tokens.mask))

    def weights(self, tokens: TokenBatch, scores: Tensor) -> Tensor:
        """Return the soft top-k weights α (B, N) of scored tokens at the present temperature."""
        k = self.budget(tokens)
        return soft_top_k(self.settings.operator, scores, tokens.mask, k, float(self.tau))

    def gated(self, tokens: TokenBatch, alpha: Tensor) -> TokenBatch:
        """Let each of the scored tokens through by its weight α; draws random numbers."""
        gated = GATES[self.settings.gate](tokens.features, alpha, self.budget(tokens))
        return tokens.with_features(gated * tokens.mask[..., None])

    def denoised(self, tokens: TokenBatch) -> TokenBatch:
        """Restore gated tokens; without a denoiser they stay as they are."""
        if self.denoiser is None:
            return tokens
        restored = self.denoiser(tokens.features, tokens.mask)
        return tokens.with_features(restored * tokens.mask[..., None])

    def best(self, tokens: TokenBatch, scores: Tensor) -> Tensor:
        """Return (B, N) bool: the best scores of each bag, of equal ones the first."""
        return top_tokens(scores, tokens.mask, self.budget(tokens))

    def hard(self, tokens: TokenBatch, scores: Tensor, denoise: bool = False) -> Reduction:
        """Keep the k best tokens of each bag; `denoise` is for asking what the denoiser hid.

        Args:
            tokens: From `score`.
            scores: From `score`.
            denoise: Whether the kept tokens pass the denoiser, as they never do in use.
        """
        kept = keep_tokens(tokens, self.best(tokens, scores), scores)
        if not denoise:
            return kept
        return replace(kept, tokens=self.denoised(kept.tokens))

    def budget(self, tokens: TokenBatch) -> Tensor:
        """Return how many tokens each bag may keep, (B,): k, and in training more at first."""
        progress = self._curriculum.progress if self.training else 1.0
        return budget(tokens.lengths, self.settings.k, progress)


def _build_scorer(settings: SparseLearnSettings, dim: int) -> MlpScorer | TransformerScorer:
    if settings.scorer == "mlp":
        return MlpScorer(dim, settings.scorer_dim, settings.scorer_layers)
    return TransformerScorer(dim, settings.scorer_dim, settings.scorer_layers, settings.heads)
