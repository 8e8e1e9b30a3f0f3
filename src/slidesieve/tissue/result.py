"""The result of the tissue stage for one slide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shapely.geometry import MultiPolygon

from slidesieve.slide.bounds import Bounds
from slidesieve.store.geojson import Origin, origin_at
from slidesieve.tissue.polygons import moved


@dataclass(frozen=True)
class TissueResult:
    """The tissue of a slide, or why there is none.

    A file edited in QuPath has lost everything but `tissue`; what else is known of the slide is
    then found in the slide itself.

    Attributes:
        slide_id: The slide.
        tissue: Polygons in level-0 px, empty unless `status` is "ok"; counted from an origin that
            is not known until `on_level0` asks the slide, if a person drew them elsewhere.
        status: "ok", "empty" (no tissue) or "failed" (the slide cannot be used).
        reason: Why not "ok"; "" otherwise.
        edited: Whether a person has changed the polygons.
        width: Width of level 0 in px, 0 when the slide cannot be opened.
        height: Height of level 0 in px.
        mpp: µm per level-0 px, None when unknown.
        mpp_source: "sheet", "slide", "config", "objective" or "".
        objective: Objective power as the slide states it.
        vendor: Format of the slide.
        reader: Name of the reader.
        level_count: Pyramid levels.
        fingerprint: Of the slide's file, see `slide_fingerprint`.
        unreadable_share: Share of the thumbnail that could not be decoded.
        params: Segmentation parameters by name.
        stage_version: Version of the stage that made this.
        warnings: What a person should look at although the slide is usable; "" otherwise.
        origin: Where coordinates start in the file.
    """

    slide_id: str = ""
    tissue: MultiPolygon = field(default_factory=MultiPolygon)
    status: str = "ok"
    reason: str = ""
    edited: bool = False
    width: int = 0
    height: int = 0
    mpp: float | None = None
    mpp_source: str = ""
    objective: float | None = None
    vendor: str = ""
    reader: str = ""
    level_count: int = 0
    fingerprint: str = ""
    unreadable_share: float = 0.0
    params: Mapping[str, object] = field(default_factory=dict)
    stage_version: int = 0
    warnings: str = ""
    origin: Origin = field(default_factory=Origin)

    @property
    def n_contours(self) -> int:
        """Pieces of tissue."""
        return len(self.tissue.geoms)

    def on_level0(self, bounds: Bounds) -> TissueResult:
        """Return the same tissue in level-0 px, given the scanned area of its slide."""
        if self.origin.is_known:
            return self
        origin = origin_at(self.origin.name, (bounds.x, bounds.y))
        return replace(self, tissue=moved(self.tissue, *origin.corner), origin=origin)
