"""All aggregators by the name a config uses; a new one is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slidesieve.parsing.parts import PartEntry, parse_part

if TYPE_CHECKING:
    from slidesieve.aggregators.base import Aggregator

_HOME = "slidesieve.aggregators"

AGGREGATORS: dict[str, PartEntry] = {
    "abmil": PartEntry(f"{_HOME}.abmil", "ABMIL", "ABMILSettings"),
    "acmil": PartEntry(f"{_HOME}.acmil", "ACMIL", "ACMILSettings"),
    "clam": PartEntry(f"{_HOME}.clam", "CLAM", "CLAMSettings"),
    "dsmil": PartEntry(f"{_HOME}.dsmil", "DSMIL", "DSMILSettings"),
    "dtfd": PartEntry(f"{_HOME}.dtfd", "DTFD", "DTFDSettings"),
    "hipt": PartEntry(f"{_HOME}.hipt", "HIPT", "HIPTSettings", needs_pitch=True),
    "hipt_pools": PartEntry(
        f"{_HOME}.hipt_pools", "HIPTPools", "HIPTPoolsSettings", needs_pitch=True
    ),
    "ilra": PartEntry(f"{_HOME}.ilra", "ILRA", "ILRASettings"),
    "longformer": PartEntry(
        f"{_HOME}.longformer", "Longformer", "LongformerSettings", needs_pitch=True
    ),
    "mamba2d": PartEntry(f"{_HOME}.mamba2d", "Mamba2D", "Mamba2DSettings", needs_pitch=True),
    "max": PartEntry(f"{_HOME}.pooling", "MaxPooling", "PoolingSettings"),
    "mean": PartEntry(f"{_HOME}.pooling", "MeanPooling", "PoolingSettings"),
    "mhim": PartEntry(f"{_HOME}.mhim", "MHIM", "MHIMSettings", needs_teacher=True),
    "mhim2": PartEntry(f"{_HOME}.mhim2", "MHIM2", "MHIM2Settings", needs_teacher=True),
    "panther": PartEntry(f"{_HOME}.panther", "PANTHER", "PANTHERSettings"),
    "patchgd": PartEntry(f"{_HOME}.patchgd", "PatchGD", "PatchGDSettings", needs_pitch=True),
    "rrt": PartEntry(f"{_HOME}.rrt", "RRT", "RRTSettings"),
    "simple_mil": PartEntry(f"{_HOME}.simple_mil", "SimpleMIL", "SimpleMILSettings"),
    "spt": PartEntry(f"{_HOME}.spt", "SPT", "SPTSettings", needs_pitch=True),
    "transformer": PartEntry(f"{_HOME}.transformer", "Transformer", "TransformerSettings"),
    "transmil": PartEntry(f"{_HOME}.transmil", "TransMIL", "TransMILSettings"),
}


def build_aggregator(spec: object, dim: int, n_classes: int) -> Aggregator:
    """Build an aggregator of tokens of width `dim` from its name or {name: …, parameters}.

    Raises:
        ConfigError: The name or a parameter is unknown or out of range.
    """
    entry, settings = parse_part("aggregator", AGGREGATORS, spec)
    aggregator: Aggregator = entry.part()(dim, n_classes, settings)
    return aggregator
