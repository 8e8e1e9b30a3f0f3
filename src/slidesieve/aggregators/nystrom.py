"""Nyström attention (Xiong et al. 2021), as TransMIL uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.nn.dropout import ByteDropout
from slidesieve.nn.linear import Linear


class NystromAttention(nn.Module):
    """Attention through m landmarks, O(N m).

    softmax(Q K̃ᵀ) · pinv(softmax(Q̃ K̃ᵀ)) · softmax(Q̃ Kᵀ) V + Conv(V), where landmarks Q̃ and K̃
    are means over m segments of equal length (Eq. 13 to 15 of the paper), the pseudo-inverse is
    iterated, and Conv is a depth-wise convolution along the sequence.

    Sequences whose length is no multiple of m are padded with zeros in front, and the padding
    takes part, as in the implementation TransMIL builds on. All sequences of a batch have the
    same length; each is treated as if it were alone.

    Args:
        dim: Width of the states.
        heads: Attention heads; they share `dim` equally.
        landmarks: m.
        iterations: Of the pseudo-inverse.
        kernel: Length of the convolution, odd.
        dropout: Of the output, in training.
    """

    def __init__(
        self, dim: int, heads: int, landmarks: int, iterations: int, kernel: int, dropout: float
    ) -> None:
        super().__init__()
        self.heads = heads
        self.landmarks = landmarks
        self.iterations = iterations
        self.reach = kernel // 2
        self.query_key_value = Linear(dim, 3 * dim, bias=False)
        self.convolution = nn.Conv2d(
            heads, heads, (kernel, 1), padding=(self.reach, 0), groups=heads, bias=False
        )
        self.project = nn.Sequential(Linear(dim, dim), ByteDropout(dropout))

    def forward(self, states: Tensor) -> Tensor:
        """Attend, (B, N, D) to (B, N, D)."""
        query, key, value = self._heads_of(states)
        inverse, key_marks, from_landmarks = self._landmarks(query, key)
        # In this order no product is larger than N × m.
        heard = inverse @ (from_landmarks @ value)
        del from_landmarks
        answer = _weights(query, key_marks) @ heard + self.convolution(value)
        merged = answer.transpose(1, 2).flatten(start_dim=2)
        return self.project(merged)[:, -states.shape[1] :]

    def answer_first(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first state's answer, (B, D), and what it pays to each, mean of heads, (B, N).

        The approximation does not promise weights above 0 nor that they sum to 1.
        """
        query, key, value = self._heads_of(states)
        inverse, key_marks, from_landmarks = self._landmarks(query, key)
        first = query.shape[2] - states.shape[1]
        row = _weights(query[:, :, first : first + 1], key_marks) @ inverse @ from_landmarks
        in_reach = value[:, :, : first + self.reach + 1]
        answer = (row @ value).squeeze(2) + self.convolution(in_reach)[:, :, first]
        weights = row.detach().squeeze(2).mean(dim=1)[:, first:]
        return self.project(answer.flatten(start_dim=1)), weights

    def _heads_of(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return scaled queries, keys and values of the padded sequence, (B, H, N', D/H) each."""
        missing = -states.shape[1] % self.landmarks
        padded = functional.pad(states, (0, 0, missing, 0))
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.query_key_value(padded).chunk(3, dim=-1)
        )
        return query * query.shape[-1] ** -0.5, key, value

    def _landmarks(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the inverse (…, m, m), the keys' landmarks and what landmarks pay, (…, m, N')."""
        query_marks = query.unflatten(2, (self.landmarks, -1)).mean(dim=3)
        key_marks = key.unflatten(2, (self.landmarks, -1)).mean(dim=3)
        between = _weights(query_marks, key_marks)
        inverse = iterated_pseudo_inverse(between, self.iterations)
        return inverse, key_marks, _weights(query_marks, key)


def _weights(query: Tensor, key: Tensor) -> Tensor:
    """Return softmax(Q Kᵀ), (…, Q, K)."""
    return (query @ key.transpose(-1, -2)).softmax(dim=-1)


def iterated_pseudo_inverse(matrix: Tensor, iterations: int) -> Tensor:
    """Approximate the Moore–Penrose inverse of each sequence's matrices, (B, H, m, m).

    Z ← ¼ Z (13 I − A Z (15 I − A Z (7 I − A Z))) from Z = Aᵀ / (‖A‖₁ ‖A‖∞), with the norms of
    all heads of a sequence taken together and no other sequence looked at.
    """
    largest_row = matrix.abs().sum(dim=-1).amax(dim=(1, 2))
    largest_column = matrix.abs().sum(dim=-2).amax(dim=(1, 2))
    inverse = matrix.transpose(-1, -2) / (largest_row * largest_column)[:, None, None, None]
    identity = torch.eye(matrix.shape[-1], device=matrix.device, dtype=matrix.dtype)
    for _ in range(iterations):
        product = matrix @ inverse
        inner = 15 * identity - product @ (7 * identity - product)
        inverse = 0.25 * inverse @ (13 * identity - product @ inner)
    return inverse
