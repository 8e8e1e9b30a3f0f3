"""Inputs and params of the rules: everything a stage depends on, and nothing else.

A param that changes makes its jobs run again, so each function gives the values of one stage.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from slidesieve.cohort.slides import Slide
from slidesieve.config.study import Dataset, Study
from slidesieve.plan import layout
from slidesieve.tissue import packed

_DEMO_SLIDES = Path(layout.DEMO_SLIDE).parent
_DEMO_TRUTH = Path(layout.DEMO_TRUTH).parent
# Wildcards, path variables, and what no log line can show.
_UNFIT = re.compile(r"[{}<>\x00-\x1f]")
_TILE_SETTINGS = ("tile_px", "target_mpp", "min_tissue_fraction", "max_upsampling")


def slide_inputs(path: Path | None) -> list[str]:
    """The slide as an input; none if it is missing, which is a finding and no broken plan."""
    if path is None:
        return []
    return [str(path)] if _is_painted(path) else as_inputs([path])


def as_inputs(paths: Iterable[Path]) -> list[str]:
    """The files that can be inputs: Snakemake takes braces for wildcards and waits for pipes.

    Of a file that cannot, size and time are a param (`file_stamp`), so that its change is noticed.
    """
    return [str(path) for path in paths if not _UNFIT.search(str(path)) and _is_readable(path)]


def _is_readable(path: Path) -> bool:
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError):  # no permission, a name too long: a finding, too
        return False
    return stat.S_ISREG(kind) or stat.S_ISDIR(kind)


def packed_outlines(tissue: str) -> list[str]:
    """Compressed outlines that lie beside a tissue file, as inputs."""
    return [str(path) for path in packed.packed_outlines(Path(tissue))]


def file_stamp(path: Path | None) -> tuple[int, int] | None:
    """Size and time (s) of a file, so that one put in its place is noticed though it is older.

    Returns:
        None where there is no file yet, and for slides that the workflow paints itself.
    """
    if path is None or _is_painted(path):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, int(found.st_mtime)


def weights_stamps(encoder: Mapping) -> dict[str, tuple[int, int] | None]:
    """Size and time of the local files of weights that an encoder's entry names."""
    if not encoder.get("weights"):
        return {}
    weights = Path(str(encoder["weights"]))
    files = sorted(weights.iterdir()) if weights.is_dir() else [weights]
    return {str(file): file_stamp(file) for file in files}


def truth_masks(dataset: Dataset) -> dict[str, str]:
    """Truth mask of each slide that has one; only the diagnostics of selectors read them."""
    folder = dataset.settings["truth"]
    if folder is None:
        return {}
    masks = {slide.slide_id: Path(folder) / f"{slide.slide_id}.png" for slide in dataset.slides}
    painted = demo_slides(dataset) if Path(folder) == _DEMO_TRUTH else []
    return {
        slide_id: str(mask)
        for slide_id, mask in masks.items()
        if slide_id in painted or as_inputs([mask])
    }


def demo_slides(dataset: Dataset) -> list[str]:
    """Slides of a dataset that the workflow paints itself: those of the demo, and no others."""
    return [slide.slide_id for slide in dataset.slides if _is_painted(slide.path)]


def feature_files(dataset: Dataset, encoder: str) -> dict[str, str]:
    """Features file of each slide: made by the workflow, or found in the user's folder."""
    if dataset.features_dir is None:
        return {
            slide_id: layout.fill(
                layout.FEATURES, dataset=dataset.name, encoder=encoder, slide=slide_id
            )
            for slide_id in dataset.slide_ids
        }
    found = {slide_id: dataset.ready_features(slide_id) for slide_id in dataset.slide_ids}
    return {slide_id: str(path) for slide_id, path in found.items() if path}


def feature_inputs(dataset: Dataset, encoder: str) -> list[str]:
    """The features files as inputs; those found in the user's folder as far as they can be."""
    files = feature_files(dataset, encoder).values()
    return list(files) if dataset.features_dir is None else as_inputs(map(Path, files))


def ready_stamps(dataset: Dataset) -> dict[str, tuple[int, int] | None]:
    """Size and time of each ready-made features file; none where the workflow makes them."""
    found = {slide_id: dataset.ready_features(slide_id) for slide_id in dataset.slide_ids}
    return {slide_id: file_stamp(path) for slide_id, path in found.items() if path}


def folds_stamps(dataset: Dataset) -> dict[str, tuple[int, int] | None]:
    """Size and time of the user's own files of folds, which may be a folder or a pattern."""
    if dataset.settings["folds"]["file"] is None:
        return {}
    path = Path(dataset.settings["folds"]["file"])
    files = path.parent.glob(path.name) if "*" in path.name else [path]
    found = [part for file in files for part in (file.rglob("*.csv") if file.is_dir() else [file])]
    return {str(file): file_stamp(file) for file in sorted(found)}


def scale(dataset: Dataset, slide: Slide) -> dict[str, object]:
    """The slide's file, and how its µm per px is found."""
    settings = dataset.settings
    return {
        "path": str(slide.path),
        "file": file_stamp(slide.path),
        "on_slide_error": settings["on_slide_error"],
        "outline_origin": settings["outline_origin"],
        "scale": {
            "sheet_mpp": slide.mpp,
            "config_mpp": settings["assume_mpp"],
            "use_objective": settings["mpp_from_objective"],
            "reader": settings["reader"],
        },
    }


def segmentation(dataset: Dataset, slide: Slide) -> dict[str, object]:
    """Everything the tissue of a slide depends on, besides the slide's pixels."""
    return scale(dataset, slide) | {"tissue": {**dataset.settings["tissue"], **slide.tissue}}


def tiling(dataset: Dataset, slide: Slide) -> dict[str, object]:
    """Everything the tiles of a slide depend on, besides its pixels and its tissue."""
    settings = dataset.settings
    tiles: Mapping[str, object] = {name: settings[name] for name in _TILE_SETTINGS}
    step_px = settings["step_px"] or settings["tile_px"]
    return scale(dataset, slide) | {"tiles": {**tiles, "step_px": step_px}}


def sheet_rows(dataset: Dataset) -> list[tuple[str, str, str]]:
    """(slide_id, patient_id, label) per slide: the rows that folds depend on."""
    return [(slide.slide_id, slide.patient_id, slide.label) for slide in dataset.slides]


def recipe(study: Study, paper_table: str) -> dict[str, Mapping]:
    """How the models of a paper table are fitted, by model."""
    return {name: study.training_of(name) for name in study.paper_tables[paper_table]["rows"]}


def slide_patients(dataset: Dataset) -> list[tuple[str, str]]:
    """(slide_id, patient_id) per slide: what questions are matched to."""
    return [(slide.slide_id, slide.patient_id) for slide in dataset.slides]


def slide_paths(dataset: Dataset) -> list[tuple[str, str]]:
    """(slide_id, path) per slide that has a file, for pictures of its tiles."""
    return [(slide.slide_id, str(slide.path)) for slide in dataset.slides if slide.path]


def question_files(vqa: Mapping | None) -> list[str]:
    """Files of questions as inputs; those in results/ may still have to be made."""
    paths = [Path(source["path"]) for source in vqa["questions"]] if vqa else []
    made = [path for path in paths if path.parts[:1] == (layout.RESULTS,)]
    return [*map(str, made), *as_inputs(path for path in paths if path not in made)]


def question_stamps(vqa: Mapping | None) -> dict[str, tuple[int, int] | None]:
    """Size and time of each file of questions that the workflow does not make itself."""
    paths = [Path(source["path"]) for source in vqa["questions"]] if vqa else []
    return {str(path): file_stamp(path) for path in paths if path.parts[:1] != (layout.RESULTS,)}


def question_settings(vqa: Mapping | None) -> dict[str, object]:
    """The keys of the `vqa` section that the table of questions depends on."""
    keys = ("questions", "leakage", "slides_per_case")
    return {key: vqa[key] for key in keys} if vqa else {}


def language_settings(vqa: Mapping, language: str) -> dict[str, object]:
    """All that a language model made from nothing depends on, but for the questions."""
    return {"language": vqa["languages"][language], "answer": vqa["answer"]}


def answerer_settings(vqa: Mapping, model: str) -> dict[str, object]:
    """All that the training of a model depends on, but for questions and features."""
    chosen = vqa["models"][model]
    shared = {key: vqa[key] for key in ("stages", "answer", "positions")}
    return {"model": chosen, "language": vqa["languages"][chosen["language"]], **shared}


def asking_settings(vqa: Mapping, model: str) -> dict[str, object]:
    """All that a trained model's answers depend on besides the model, questions and features."""
    answer, score = vqa["answer"], vqa["score"]
    return {"answer": answer, "score": score, "max_tokens": vqa["models"][model]["max_tokens"]}


def built_language(dataset: Dataset, vqa: Mapping, model: str) -> list[str]:
    """The folder of a model's language model as an input; none where it is not made here."""
    language = vqa["models"][model]["language"]
    if vqa["languages"][language]["build"] is None:
        return []
    return [layout.fill(layout.VQA_LANGUAGE, dataset=dataset.name, language=language)]


def fold_settings(dataset: Dataset) -> dict[str, object]:
    """How folds are made; with the site of each slide if they are to keep sites together."""
    settings = dict(dataset.settings["folds"])
    if settings["group_also"] is None:
        # Folds drawn before there was this key are not drawn anew.
        del settings["group_also"]
        return settings
    return settings | {"sites": [slide.site for slide in dataset.slides]}


def sites(dataset: Dataset) -> dict[str, str]:
    """Site of each slide, "not known" where nothing tells."""
    return {slide.slide_id: slide.site or "not known" for slide in dataset.slides}


def cohort_rows(dataset: Dataset) -> list[tuple[str, str, str, str]]:
    """(slide_id, patient_id, label, path) per slide: the rows that cohort.csv starts from."""
    return [
        (slide.slide_id, slide.patient_id, slide.label, str(slide.path or ""))
        for slide in dataset.slides
    ]


def stop(dataset: Dataset) -> dict[str, object]:
    """When a cohort with unusable slides stops, and where its table and page then go."""
    return {
        "max_failed_fraction": dataset.settings["max_failed_fraction"],
        "csv": layout.fill(layout.COHORT, dataset=dataset.name),
        "page": layout.fill(layout.COHORT_PAGE, dataset=dataset.name),
        "title": f"{dataset.name}: slides",
    }


def tile_index(dataset: Dataset) -> list[str]:
    """The table of tiles as an input; none where a dataset starts from features."""
    if dataset.features_dir is not None:
        return []
    return [layout.fill(layout.TILE_INDEX, dataset=dataset.name)]


def tilings(study: Study) -> dict[str, tuple[int, float]]:
    """(tile_px, target_mpp) of each dataset that starts from slides."""
    return {
        name: (dataset.settings["tile_px"], dataset.settings["target_mpp"])
        for name, dataset in study.datasets.items()
        if dataset.features_dir is None
    }


def _is_painted(path: Path | None) -> bool:
    return path is not None and path.parent == _DEMO_SLIDES
