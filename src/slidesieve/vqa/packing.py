"""Several continuations of one image prefix in one sequence, none of which sees another.

A pack is a tree: its root are the image tokens of a case (and the few text tokens before them),
each question continues the root, and each answer continues a question. All of it is one sequence
in which a token attends to the tokens it continues and to nothing else, at the positions it would
have alone. The image tokens are computed once, not once per question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ROOT = -1
"""Parent of what continues the image tokens."""

_PADDING = -2


@dataclass(frozen=True)
class Segment:
    """Text that continues the root or an earlier segment of its pack.

    Attributes:
        ids: Its tokens.
        parent: Index of the segment it continues, or ROOT.
        scored: Whether the probability of its tokens is wanted. Nothing continues such a segment.
    """

    ids: tuple[int, ...]
    parent: int = ROOT
    scored: bool = False

    @property
    def read(self) -> tuple[int, ...]:
        """The tokens that the model must read: the last of a scored segment predicts nothing."""
        return self.ids[:-1] if self.scored else self.ids


@dataclass(frozen=True)
class Root:
    """The image tokens that a pack continues.

    Attributes:
        before: Ids of the text in front of them.
        places: (M,) int64, the position of each image token among the image's positions.
        span: Number of positions that the image takes; text goes on behind them.
    """

    before: tuple[int, ...]
    places: Tensor
    span: int


@dataclass(frozen=True)
class PackedBatch:
    """B packs, padded at their ends to L positions.

    Attributes:
        ids: (B, L) int64, 0 at image tokens and in padding.
        image: (B, L) bool, where image tokens go, in their order.
        positions: (B, L) int64, for the language model's position encoding.
        mask: (B, 1, L, L) bool, True where a row may attend to a column. Padding sees itself.
        target: (T,) int64, the tokens whose probability is wanted.
        predictor: (T,) int64, index into (B · L) of the position that predicts each.
        segment: (T,) int64, number of the scored segment each belongs to, over the whole batch.
        n_segments: Number of scored segments.
    """

    ids: Tensor
    image: Tensor
    positions: Tensor
    mask: Tensor
    target: Tensor
    predictor: Tensor
    segment: Tensor
    n_segments: int

    def to(self, device: torch.device) -> PackedBatch:
        """Return the batch on another device."""
        tensors = {name: value.to(device) for name, value in vars(self).items() if name != _COUNT}
        return PackedBatch(**tensors, n_segments=self.n_segments)


_COUNT = "n_segments"


@dataclass
class _Row:
    """One pack as it is laid out: lists of equal length, and what is to be predicted."""

    ids: list[int]
    image: list[bool]
    positions: list[int]
    owner: list[int]
    targets: list[tuple[int, int, int]]


def pack(roots: Sequence[Root], packs: Sequence[Sequence[Segment]]) -> PackedBatch:
    """Lay out B packs.

    Args:
        roots: What each pack begins with.
        packs: The segments of each, parents before those that continue them.
    """
    rows, first = [], 0
    for root, segments in zip(roots, packs, strict=True):
        rows.append(_row(root, segments, first))
        first += sum(segment.scored for segment in segments)
    length = max(len(row.ids) for row in rows)
    targets = [
        (token, number * length + place, segment)
        for number, row in enumerate(rows)
        for token, place, segment in row.targets
    ]
    target, predictor, segment = torch.tensor(targets, dtype=torch.int64).reshape(-1, 3).unbind(1)
    return PackedBatch(
        ids=_padded([row.ids for row in rows], length, 0),
        image=_padded([row.image for row in rows], length, False),
        positions=_padded([row.positions for row in rows], length, 0),
        mask=torch.stack(
            [_mask(row, segments, length) for row, segments in zip(rows, packs, strict=True)]
        )[:, None],
        target=target,
        predictor=predictor,
        segment=segment,
        n_segments=first,
    )


def _row(root: Root, segments: Sequence[Segment], first: int) -> _Row:
    n_before, n_image = len(root.before), len(root.places)
    row = _Row(
        ids=[*root.before, *[0] * n_image],
        image=[False] * n_before + [True] * n_image,
        positions=[*range(n_before), *(n_before + root.places).tolist()],
        owner=[ROOT] * (n_before + n_image),
        targets=[],
    )
    # Of each segment, and of the root: where its last token stands, and the position behind it.
    last, following = {ROOT: len(row.ids) - 1}, {ROOT: n_before + root.span}
    for number, segment in enumerate(segments):
        begin, count = len(row.ids), len(segment.read)
        start = following[segment.parent]
        row.ids += segment.read
        row.image += [False] * count
        row.positions += range(start, start + count)
        row.owner += [number] * count
        if segment.scored:
            predictors = [last[segment.parent], *range(begin, begin + count)]
            row.targets += [
                (token, place, first) for token, place in zip(segment.ids, predictors, strict=True)
            ]
            first += 1
        last[number] = begin + count - 1 if count else last[segment.parent]
        following[number] = start + count
    return row


def _mask(row: _Row, segments: Sequence[Segment], length: int) -> Tensor:
    """(L, L): each token attends to itself and to earlier tokens of what it continues."""
    # The last line and column are the root's, ROOT = -1 as an index; padding comes before it.
    n = len(segments)
    sees = torch.zeros(n + 2, n + 2, dtype=torch.bool)
    sees[:n, ROOT] = sees[ROOT, ROOT] = True
    for number, segment in enumerate(segments):
        if segment.parent != ROOT:
            sees[number] |= sees[segment.parent]
        sees[number, number] = True
    owner = torch.full((length,), _PADDING)
    owner[: len(row.owner)] = torch.tensor(row.owner)
    allowed = sees[owner[:, None], owner[None, :]].tril()
    return allowed | torch.eye(length, dtype=torch.bool)


def _padded(rows: Sequence[Sequence[int]], length: int, filling: int) -> Tensor:
    return torch.stack([torch.tensor([*row, *[filling] * (length - len(row))]) for row in rows])
