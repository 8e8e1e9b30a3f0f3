"""Settings that several aggregators share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictFloat, StrictInt

Dropout = Annotated[StrictFloat, Field(ge=0, lt=1)]
Share = Annotated[StrictFloat, Field(ge=0, le=1)]
Width = Annotated[StrictInt, Field(ge=1)]


def heads_share(hidden_dim: int, heads: int) -> None:
    """See that the attention heads can share a width equally.

    Raises:
        ValueError: They cannot.
    """
    if hidden_dim % heads:
        raise ValueError(f"hidden_dim {hidden_dim} is no multiple of {heads} heads")
