"""Input functions of the rules, asked as Snakemake asks them."""

from __future__ import annotations

from slidesieve.plan import layout
from slidesieve.plan.inputs import Inputs


def test_a_file_per_slide_fold_and_fit(study):
    inputs = Inputs(study)
    name = next(iter(study.datasets))
    dataset = study.datasets[name]
    wildcards = {"dataset": name}
    encoders, models = study.encoders_of(name), list(study.models)
    slides = [] if dataset.features_dir else dataset.slide_ids
    tiles = inputs.per_slide(layout.TILES)(wildcards)
    assert tiles == [layout.fill(layout.TILES, dataset=name, slide=s) for s in slides]
    assert inputs.model_pairs(wildcards) == [(e, m) for e in encoders for m in models]
    assert inputs.model_pairs(wildcards, models[:1]) == [(e, models[0]) for e in encoders]
    fits = inputs.per_fit(layout.WEIGHTS)(wildcards)
    assert len(fits) == len(set(fits)) == len(encoders) * len(models) * dataset.fold_count
    assert [pair for pair, _ in inputs.fits(wildcards)][: dataset.fold_count] == [
        (encoders[0], models[0])
    ] * dataset.fold_count
    of_one = inputs.per_fold(layout.WEIGHTS, model=models[-1])
    paths = of_one({**wildcards, "encoder": encoders[0], "model": models[0]})
    assert len(paths) == dataset.fold_count
    assert all(f"/{models[-1]}/" in path and "{" not in path for path in paths)
    assert len(inputs.per_encoder(layout.FEATURE_INDEX)(wildcards)) == len(encoders)
    assert len(inputs.per_model(layout.PREDICTIONS)(wildcards)) == len(encoders) * len(models)
