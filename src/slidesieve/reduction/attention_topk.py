"""Attention top-K: the tokens that an ABMIL trained on full bags attends to most."""

from __future__ import annotations

from dataclasses import asdict

import torch
from pydantic import Field, StrictBool, StrictInt
from pydantic.dataclasses import dataclass
from torch import nn

from slidesieve.aggregators.abmil import ABMIL, ABMILSettings
from slidesieve.parsing.settings import STRICT
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import Budget, keep_tokens, top_tokens
from slidesieve.tokens import Reduction, TokenBatch


@dataclass(frozen=True, config=STRICT)
class AttentionTopKSettings(Budget):
    """Settings of attention top-K: a budget, and the shape of the ABMIL that is fitted first."""

    gated: StrictBool = Field(
        default=True, description="Whether the ABMIL's attention has the sigmoid gate."
    )
    hidden_dim: StrictInt | None = Field(
        default=512,
        ge=1,
        description="Its hidden width; null means attention on the tokens themselves.",
    )
    attention_dim: StrictInt = Field(default=256, ge=1, description="Width of its attention.")


class AttentionTopK(TokenReducer):
    """Keeps the tokens with the most attention of an ABMIL, which is fitted first and then frozen.

    The ABMIL sees the training slides of the fold and their labels, and nothing else: it is
    trained for all epochs, without early stopping, so not even the validation slides have a say
    in what is kept. The aggregator that follows is trained anew on the kept tokens.

    Args:
        dim: Width of the tokens.
        settings: How many tokens are kept, and the shape of the ABMIL.
    """

    def __init__(self, dim: int, settings: AttentionTopKSettings) -> None:
        super().__init__(dim)
        self.budget = settings
        shape = ABMILSettings(
            gated=settings.gated,
            hidden_dim=settings.hidden_dim,
            attention_dim=settings.attention_dim,
        )
        self.teacher = {"aggregator": {"name": "abmil", **asdict(shape)}}
        self.abmil = ABMIL(dim, 1, shape)
        # Only its attention is asked for, so that it fits whatever the number of classes was.
        self.abmil.classifier = nn.Identity()
        self.abmil.requires_grad_(False)

    def learn_from(self, teacher: nn.Module) -> None:
        """Copy the attention of the teacher, a classifier whose `aggregator` is an ABMIL."""
        weights = teacher.get_submodule("aggregator").state_dict()
        attention = {name: weights[name] for name in self.abmil.state_dict()}
        self.abmil.load_state_dict(attention)

    def train(self, mode: bool = True) -> AttentionTopK:
        """Switch to training, except for the frozen ABMIL, whose dropout stays off."""
        super().train(mode)
        self.abmil.eval()
        return self

    @torch.no_grad()
    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep the tokens of each bag with the most attention; of equals, the first."""
        attention = self.abmil(tokens).attention.masked_fill(~tokens.mask, -1)
        counts = [self.budget.count(n_tokens) for n_tokens in tokens.lengths.tolist()]
        left = torch.tensor(counts, device=attention.device)
        return keep_tokens(tokens, top_tokens(attention, tokens.mask, left), attention)
