"""DSMIL: two streams, the most critical token of each class and all others beside it."""

from __future__ import annotations

import torch
from pydantic import Field, StrictBool, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import masked_softmax, padded, real_tokens, weighted_sums
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class DSMILSettings:
    """Settings of DSMIL."""

    query_dim: Width = Field(default=128, description="Width of the queries q.")
    value_layer: StrictBool = Field(
        default=False,
        description="Whether values go through a layer of their own (Dropout, Linear, ReLU), as in "
        "some copies of the authors' code; theirs takes the tokens as they are.",
    )
    dropout: Dropout = Field(default=0.0, description="Before the value layer, in training.")
    max_instance_weight: StrictFloat = Field(
        default=1.0, ge=0, description="Weight of the critical tokens' own loss."
    )


class DSMIL(Aggregator):
    """DSMIL (Li, Li, Eliceiri 2021, https://arxiv.org/abs/2011.08939).

    c_n = W_i x_n + b ∈ R^C;  m_c = argmax_n c_nc;  q(x) = tanh(W₂ ReLU(W₁ x))
    A_c = softmax_n(q(x_n) · q(x_{m_c}) / √d);  B_c = Σ_n A_nc v(x_n);  logits = Σ_c K_c B_c + b

    The added loss is the cross-entropy of max_n c_nc. The authors use binary cross-entropies of
    equal weight, and the weight of the loop's own is 1. The slide's logits are the bag's alone.
    The attention it reports is A of the predicted class.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape and losses.
    """

    def __init__(self, dim: int, n_classes: int, settings: DSMILSettings) -> None:
        super().__init__()
        self.max_instance_weight = settings.max_instance_weight
        self.instance = nn.Linear(dim, n_classes)
        self.query = nn.Sequential(
            Linear(dim, settings.query_dim),
            nn.ReLU(),
            Linear(settings.query_dim, settings.query_dim),
            nn.Tanh(),
        )
        self.value: nn.Module = nn.Identity()
        if settings.value_layer:
            self.value = nn.Sequential(dropout_layer(settings.dropout), Linear(dim, dim), nn.ReLU())
        self.classifier = nn.Linear(n_classes * dim, n_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify each bag; labels are used for the loss of the critical tokens."""
        features = real_tokens(tokens)
        scores = padded(self.instance(features).float(), tokens.mask, fill=-torch.inf)
        best = scores.max(dim=1)
        queries = padded(self.query(features), tokens.mask, fill=0.0)
        critical = queries.gather(1, best.indices[..., None].expand(-1, -1, queries.shape[-1]))
        likeness = queries.float() @ critical.float().transpose(1, 2) / queries.shape[-1] ** 0.5
        attention = [masked_softmax(column, tokens.mask) for column in likeness.unbind(dim=2)]
        values = self.value(features)
        pooled = torch.cat([weighted_sums(a, tokens.mask, values) for a in attention], dim=1)
        logits = self.classifier(pooled.to(self.classifier.weight.dtype))
        losses = {}
        if labels is not None and self.max_instance_weight > 0:
            loss = functional.cross_entropy(best.values, labels)
            losses["max_instance"] = self.max_instance_weight * loss
        rows = torch.arange(len(logits), device=logits.device)
        shown = torch.stack(attention, dim=1)[rows, logits.argmax(dim=1)]
        return SlideOutput(logits, shown.detach(), pooled, losses)
