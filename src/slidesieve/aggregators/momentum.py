"""A teacher that follows its student, and the cosine on which its momentum rises."""

from __future__ import annotations

import math

import torch
from torch import nn


def cosine_left(step: int, steps: int) -> float:
    """Return how much of a quantity that falls on a half cosine is left, from 1 to 0.

    Args:
        step: From 0.
        steps: Of the whole training.
    """
    return (1 + math.cos(math.pi * step / steps)) / 2


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move a teacher's weights towards its student's: θ_T ← m θ_T + (1 − m) θ_S."""
    pairs = zip(teacher.parameters(), student.parameters(), strict=True)
    for of_teacher, of_student in pairs:
        of_teacher.lerp_(of_student, 1 - momentum)
