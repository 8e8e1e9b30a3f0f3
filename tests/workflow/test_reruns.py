"""A change reruns what depends on it, and nothing else."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow

# What follows the features of a dataset: every model sees every slide.
AFTER_INDEX = {
    "train": 2,
    "predictions": 2,
    "evaluation": 1,
    "cohort": 1,
    "cost": 1,
    "curves": 2,
    "model_plot": 1,
    "report_pages": 1,
}
ALWAYS = {"all": 1}


def planned(study, *arguments):
    rules = study.snakemake("-n", *arguments).rules
    return {rule: count for rule, count in rules.items() if rule not in ("all", "toy")}


def test_a_tissue_cell_reruns_that_slide_alone(toy):
    lines = (toy.folder / "slides.csv").read_text().splitlines()
    lines = [lines[0] + ",tissue.closing_um", lines[1] + ",90", *(line + "," for line in lines[2:])]
    (toy.folder / "slides.csv").write_text("\n".join(lines) + "\n")
    jobs = toy.snakemake("-n").jobs
    per_slide = {job for job in jobs if job[0] in ("tissue", "tiles")}
    assert {wildcards.split("slide=")[1] for _, wildcards in per_slide} == {"s0"}
    assert {rule for rule, _ in per_slide} == {"tissue", "tiles"}
    assert [shard for rule, shard in jobs if rule == "features"] == ["toy_colour_texture_1"]


def test_an_edited_outline_reruns_what_follows_and_is_never_overwritten(toy):
    outline = toy.result("toy/tissue/s2.geojson")
    drawn = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"objectType": "annotation"},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[200, 200], [900, 200], [900, 900], [200, 900], [200, 200]]],
                },
            }
        ],
    }
    outline.write_text(json.dumps(drawn))
    jobs = toy.snakemake("-n").jobs
    assert ("tissue", "dataset=toy, slide=s2") not in jobs
    assert ("tiles", "dataset=toy, slide=s2") in jobs
    assert sum(rule == "tiles" for rule, _ in jobs) == 1
    before = read_csv(toy.result("toy/cohort.csv")).set_index("slide_id")
    toy.snakemake()
    after = read_csv(toy.result("toy/cohort.csv")).set_index("slide_id")
    assert after.loc["s2", "tissue_source"] == "edited"
    # Whole tiles of 128 px on the grid inside 200..900.
    assert after.loc["s2", "n_tiles"] < before.loc["s2", "n_tiles"]
    assert after.drop("s2").equals(before.drop("s2"))
    # Even where segmentation itself has to run again, the drawing stays.
    toy.snakemake("--forcerun", "tissue", "--until", "tissue")
    assert json.loads(outline.read_text()) == drawn
    assert not toy.result("toy/tissue/s3.geojson").read_text().startswith(json.dumps(drawn)[:40])


def test_one_models_spec_refits_that_model_alone(toy):
    config = toy.config
    config["models"]["abmil"] = {"aggregator": {"name": "abmil", "gated": False}}
    toy.write_config(config)
    jobs = toy.snakemake("-n").jobs
    trained = {wildcards for rule, wildcards in jobs if rule == "train"}
    assert trained == {"dataset=toy, encoder=colour_texture, model=abmil, folds=0-1"}
    assert not {rule for rule, _ in jobs} & {
        "tissue",
        "tiles",
        "features",
        "feature_index",
        "folds",
    }


def test_a_new_model_fits_only_itself(toy):
    config = toy.config
    config["models"]["max"] = {"aggregator": "max"}
    toy.write_config(config)
    jobs = toy.snakemake("-n").jobs
    assert {w for rule, w in jobs if rule == "train"} == {
        "dataset=toy, encoder=colour_texture, model=max, folds=0-1"
    }


def test_other_shards_of_folds_refit_nothing(toy):
    config = toy.config
    config["resources"]["train"] = {"slides_per_job": 6}
    toy.write_config(config)
    assert not toy.snakemake("-n").rules["train"]
    models = [toy.result(f"toy/models/colour_texture/abmil/fold_{k}/model.json") for k in (0, 1)]
    before = models[0].stat().st_mtime_ns, models[1].read_bytes()
    models[1].unlink()
    toy.snakemake(str(models[1].relative_to(toy.folder)))
    assert (models[0].stat().st_mtime_ns, models[1].read_bytes()) == before


def test_a_fit_that_fails_is_named_and_leaves_other_models_alone(toy):
    config = toy.config
    config["models"]["bad"] = {"like": "abmil", "training": {"lr": 1e30}}
    toy.write_config(config)
    files = sorted(toy.result("toy/models").rglob("*.*"))
    failed = toy.snakemake("toy", "--until", "train", check=False)
    assert failed.code != 0
    assert "model bad, fold 0: training: the loss is" in failed.text
    assert sorted(path for path in toy.result("toy/models").rglob("*.*")) == files


def test_a_second_encoder_uses_the_same_tiles(toy):
    config = toy.config
    config["encoders"].append({"name": "colour_texture", "id": "again"})
    toy.write_config(config)
    plan = toy.snakemake("-n")
    assert plan.rules["features"] == 2
    assert not plan.rules["tissue"]
    assert not plan.rules["tiles"]
    assert {
        w for rule, w in plan.jobs if rule == "train" and "encoder=colour_texture" in w
    } == set()


@pytest.mark.parametrize(
    ("stage", "first", "spared"),
    [
        ("tissue", {"tissue": 6}, set()),
        ("features", {"features": 2, "feature_index": 1}, {"tissue", "tiles"}),
        ("train", {"train": 2}, {"tissue", "tiles", "features", "feature_index", "folds"}),
        (
            "figures",
            {"curves": 2, "report_pages": 1},
            {"train", "predictions", "evaluation", "features"},
        ),
    ],
)
def test_a_raised_stage_version_reruns_that_stage(toy, repo, tmp_path, stage, first, spared):
    workflow = tmp_path / "raised"
    for part in ("Snakefile", "config.yaml", "config", "workflow", "src", "profiles", "envs"):
        source = repo / part
        if source.is_dir():
            shutil.copytree(source, workflow / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            workflow.mkdir(exist_ok=True)
            shutil.copy(source, workflow / part)
    stages = workflow / "src/slidesieve/stages.py"
    stages.write_text(re.sub(rf'"{stage}": \d+', f'"{stage}": 99', stages.read_text()))
    plan = toy.snakemake("-n", "--snakefile", str(workflow / "Snakefile"))
    for rule, count in first.items():
        assert plan.rules[rule] == count, plan.text
    assert not spared & set(plan.rules)


def test_a_dataset_is_a_target(toy):
    shutil.rmtree(toy.result("toy/figures"))
    assert set(planned(toy, "toy")) == {
        "cohort_page",
        "curves",
        "headline",
        "heatmaps",
        "model_plot",
        "report_pages",
        "slide_pages",
        "tissue_montage",
    }
