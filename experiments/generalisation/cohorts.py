"""Which cohorts there are: those to develop on and, drawn once, those to confirm on.

The rule was written before the first run: cohorts of even seeds are for development, those of odd
seeds for confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from slidesieve.synthetic.mosaic.cohort import MosaicSettings

BLOCKS = 5
_NESTS = (0.1, 0.3)
_WHOLE = (1.0, 1.0)
_FEW_TILES, _MANY_TILES = (120, 180), (250, 350)
_SMALL, _LARGE = 90, 250


@dataclass(frozen=True)
class CohortSpec:
    """A cohort of mosaics.

    Attributes:
        kind: Name of what it is like; cohorts of one kind differ in their seeds.
        folders: Folders of tiles: "lung" and "lung_scc" of the shared data, or "colon".
        normal: Label of normal tissue.
        tumour: Label of tumour.
        slides: Number of slides; three fifths of them are trained on in a fold.
        tissue_tiles: Fewest and most tiles of a slide.
        tumour_share: Least and greatest share of the tiles of slides with tumour that hold it.
        nest_share: Least and greatest share of such a tile's area that is tumour.
        shifted_stain: Whether each slide has a stain and a scanner of its own.
        seed: Of everything.
    """

    kind: str
    folders: tuple[str, ...]
    normal: str
    tumour: str
    slides: int
    tissue_tiles: tuple[int, int]
    tumour_share: tuple[float, float]
    nest_share: tuple[float, float]
    shifted_stain: bool
    seed: int

    @property
    def name(self) -> str:
        """Kind and seed."""
        return f"{self.kind}-{self.seed}"

    @property
    def is_for_confirmation(self) -> bool:
        """Whether nothing may be chosen on it."""
        return self.seed % 2 == 1

    def mosaic_settings(self) -> MosaicSettings:
        """Return the settings by which mosaics are planned."""
        return MosaicSettings(
            normal=self.normal,
            n_slides=self.slides,
            blocks=BLOCKS,
            tissue_tiles=self.tissue_tiles,
            tumour_share=self.tumour_share,
            nest_share=self.nest_share,
            seed=self.seed,
        )


def _lung(kind: str, tumour: str, seed: int, **differs: object) -> CohortSpec:
    spec = CohortSpec(
        kind=kind,
        folders=("lung", "lung_scc") if tumour == "lung_scc" else ("lung",),
        normal="lung_n",
        tumour=tumour,
        slides=_SMALL,
        tissue_tiles=_MANY_TILES,
        tumour_share=(0.011, 0.025),
        nest_share=_NESTS,
        shifted_stain=False,
        seed=seed,
    )
    return replace(spec, **differs)


def _colon(kind: str, seed: int) -> CohortSpec:
    """Crops of another organ, with and without epithelium."""
    return CohortSpec(
        kind=kind,
        folders=("colon",),
        normal="stroma",
        tumour="epithelium",
        slides=_SMALL,
        tissue_tiles=_MANY_TILES,
        tumour_share=(0.02, 0.04),
        nest_share=_WHOLE,
        shifted_stain=False,
        seed=seed,
    )


def cohorts_of(seed: int) -> list[CohortSpec]:
    """Return a cohort of each kind.

    How hard they are was set by ABMIL alone, on development cohorts: with nests of 5 % or one
    tumour tile it stood at chance.
    """
    few = {"tissue_tiles": _FEW_TILES, "tumour_share": (0.014, 0.028)}
    return [
        _lung("scc-nests", "lung_scc", seed),
        _lung("aca-nests", "lung_aca", seed),
        _lung("scc-nests-stain", "lung_scc", seed, shifted_stain=True),
        _lung("scc-nests-large", "lung_scc", seed, slides=_LARGE),
        _lung("scc-few", "lung_scc", seed, **few),
        _lung("scc-whole-stain", "lung_scc", seed, nest_share=_WHOLE, shifted_stain=True),
        _colon("colon-whole", seed),
    ]


DEVELOPMENT_SEEDS = (302, 304, 306)
CONFIRMATION_SEEDS = (401, 403, 405, 407, 409)
COHORTS = {
    spec.name: spec
    for seed in (*DEVELOPMENT_SEEDS, *CONFIRMATION_SEEDS)
    for spec in cohorts_of(seed)
}
