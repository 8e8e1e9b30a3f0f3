"""A study makes these files of each dataset, and no others."""

from __future__ import annotations

from helpers.small_study import MODELS, SLIDES, small_dataset, small_study
from slidesieve.plan.targets import targets

SPARSE = {"reducer": {"name": "sparselearn"}, "aggregator": "abmil"}
TABLE = {
    "title": "A table",
    "reference": "mean",
    "rows": {
        "abmil": {"label": "attention", "columns": {"r": 1.0}},
        "mean": {"label": "mean", "columns": {"r": 1.0}},
    },
}


def below(study, name, folder):
    """What is made in a folder of a dataset's results."""
    start = f"results/{name}/{folder}/"
    return sorted(
        path.removeprefix(start) for path in targets(study, name) if path.startswith(start)
    )


def test_no_file_is_asked_for_twice_and_none_has_a_wildcard_left(study):
    wanted = targets(study, "toy")
    assert len(set(wanted)) == len(wanted)
    assert not [path for path in wanted if "{" in path]


def test_every_slide_has_tiles_and_features_and_every_fold_a_model(study):
    assert below(study, "toy", "tiles") == [f"{slide}.h5" for slide in SLIDES]
    assert below(study, "toy", "features/colour_texture") == [f"{slide}.h5" for slide in SLIDES]
    assert below(study, "toy", "models/colour_texture") == sorted(
        f"{model}/fold_{fold}/{file}"
        for model in ("abmil", "mean")
        for fold in (0, 1)
        for file in (
            *("weights.safetensors", "model.json", "history.csv", "predictions.csv"),
            *("val_predictions.csv", "seconds.json"),
        )
    )


def test_outlines_and_overviews_are_asked_for_so_that_their_loss_is_noticed(study):
    assert below(study, "toy", "tissue") == sorted(
        f"{slide}.{ending}" for slide in SLIDES for ending in ("geojson", "jpg")
    )


def test_repeats_of_the_folds_are_folds(sheet):
    study = small_study({"toy": small_dataset(sheet, folds={"k": 2, "repeats": 3})})
    folds = {path.split("/")[1] for path in below(study, "toy", "models/colour_texture")}
    assert folds == {f"fold_{number}" for number in range(6)}


def test_a_dataset_of_ready_made_features_has_one_encoder_and_no_pixels(ready):
    assert below(ready, "ready", "features") == ["uni.csv"]
    for folder in ("tiles", "tile_images"):
        assert below(ready, "ready", folder) == []
    for path in ("tissue.jpg", "uni/heatmap"):
        assert f"results/ready/figures/{path}" not in targets(ready, "ready")


def test_pages_of_slides_and_errors_are_made_where_there_are_pixels(study, ready):
    for page in ("slides", "errors.html"):
        assert f"results/toy/figures/colour_texture/{page}" in targets(study, "toy")
        assert f"results/ready/figures/uni/{page}" not in targets(ready, "ready")


def test_tile_images_are_made_where_a_dataset_asks_for_them(sheet):
    study = small_study({"toy": small_dataset(sheet, tile_images=True)})
    assert below(study, "toy", "tile_images") == [f"{slide}.zip" for slide in SLIDES]


def test_heatmaps_are_made_unless_a_report_is_to_have_none(sheet, study):
    heatmaps = "results/toy/figures/colour_texture/heatmap"
    without = small_study({"toy": small_dataset(sheet)}, report={"heatmaps_per_class": 0})
    assert heatmaps in targets(study, "toy")
    assert heatmaps not in targets(without, "toy")


def test_learned_selectors_are_looked_at_and_others_are_not(sheet, study):
    dataset = {"toy": small_dataset(sheet)}
    sparse = small_study(dataset, models=MODELS | {"sparse": SPARSE})
    assert below(sparse, "toy", "figures/colour_texture/selector") == ["sparse.png"]
    assert "results/toy/selectors.csv" in targets(sparse, "toy")
    assert "results/toy/selectors.csv" not in targets(study, "toy")


def test_two_models_that_differ_in_k_are_a_sweep(sheet):
    top = {
        f"top{k}": {"reducer": {"name": "random", "k": k}, "aggregator": "mean"} for k in (8, 16)
    }
    swept = small_study({"toy": small_dataset(sheet)}, models=MODELS | top)
    assert "results/toy/figures/colour_texture/k_sweep.png" in targets(swept, "toy")


def test_paper_tables_take_the_place_of_the_table_of_all_models(sheet):
    study = small_study(
        {"toy": small_dataset(sheet)},
        models=MODELS | {"max": {"aggregator": "max"}},
        paper_tables={"mine": TABLE},
    )
    wanted = targets(study, "toy")
    assert {f"results/toy/paper_tables/mine.{kind}" for kind in ("csv", "png", "html")} <= {*wanted}
    assert "results/toy/summary.csv" not in wanted
    # A model that stands in no table is not fitted.
    assert below(study, "toy", "predictions/colour_texture") == ["abmil.csv", "mean.csv"]


def test_questions_are_made_if_the_config_has_any(sheet, tmp_path):
    (tmp_path / "bench.csv").touch()
    files = [{"source": "slidebench", "path": "bench.csv", "part": "test"}]
    asked = small_study({"toy": small_dataset(sheet)}, vqa={"questions": files})
    made = ["findings.csv", "questions.csv", "questions.json"]
    assert below(asked, "toy", "vqa") == made
    assert below(small_study({"toy": small_dataset(sheet)}), "toy", "vqa") == []
