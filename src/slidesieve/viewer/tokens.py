"""What a model made of a slide's tiles: from the tokens file, or traced anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slidesieve.errors import ContractError
from slidesieve.plan import layout
from slidesieve.store.tables import read_csv
from slidesieve.store.tokens import TokenSet, read_tokens
from slidesieve.viewer.study import ViewedStudy


def tokens_of(study: ViewedStudy, slide_id: str, encoder: str, model: str) -> TokenSet:
    """Return the tokens of a slide under the model of the first fold that tests it.

    A run writes tokens files for some slides and models only. For the others the same trace is
    made of features and fitted model; nothing is written.

    Raises:
        ContractError: There is neither a tokens file nor features and a fitted model.
    """
    path = study.file(layout.TOKENS, encoder=encoder, model=model, slide=slide_id)
    if path.is_file():
        return read_tokens(path)
    folds = study.file(layout.FOLDS)
    if not folds.is_file():
        raise ContractError(
            f"the models of {study.name} come from elsewhere, and there is no tokens file of this "
            f"slide; `slidesieve run` makes {path.relative_to(study.run_folder)}"
        )
    # They take torch, for which nobody should wait who only looks at slides.
    from slidesieve.inference.attention import tested_fold
    from slidesieve.inference.token_trace import trace_slide
    from slidesieve.store.features import read_features
    from slidesieve.training.fitted import load_model

    features = read_features(_features_file(study, encoder, slide_id))
    fold = tested_fold(read_csv(folds), slide_id)
    folder = study.file(layout.FOLD, encoder=encoder, model=model, fold=str(fold))
    named = replace(features, slide_id=slide_id)
    return trace_slide(load_model(folder).model, named, model, fold, fingerprint="")


def _features_file(study: ViewedStudy, encoder: str, slide_id: str) -> Path:
    index = read_csv(study.file(layout.FEATURE_INDEX, encoder=encoder), ["slide_id", "path"])
    paths = index.loc[index["slide_id"] == slide_id, "path"]
    if paths.empty:
        raise ContractError(f"slide {slide_id} has no features of {encoder}")
    return study.run_folder / paths.iloc[0]
