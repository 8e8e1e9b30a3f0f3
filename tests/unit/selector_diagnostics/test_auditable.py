from __future__ import annotations

from slidesieve.selector_diagnostics.auditable import auditable_models


def test_models_are_audited_whose_reducer_has_learnt_to_rank_tokens():
    models = {
        "plain": {"aggregator": "abmil"},
        "sampled": {"reducer": {"name": "random", "k": 4}, "aggregator": "abmil"},
        "by_name": {"reducer": "sparselearn", "aggregator": "abmil"},
        "with_settings": {"reducer": {"name": "sparselearn", "k": 4}, "aggregator": "mean"},
        "merging": {"reducer": {"name": "dtc", "retention": 0.4}, "aggregator": "mean"},
        "of_a_teacher": {"reducer": {"name": "attention_topk", "k": 4}, "aggregator": "mean"},
        "slots": {"reducer": "slots", "aggregator": "mean"},
    }
    assert auditable_models(models) == ["by_name", "with_settings", "merging", "of_a_teacher"]
