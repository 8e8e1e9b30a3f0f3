# A page per slide, for some of each class and for the confidently wrong, and the page of errors.
# The job chooses the slides: it is not known before which of them are usable, and which wrong.
from slidesieve.plan.slide_pages import slide_pages_params


rule slide_pages:
    input:
        cohort=layout.COHORT,
        index=layout.FEATURE_INDEX,
        predictions=inputs.per_model_of_encoder(layout.PREDICTIONS),
        models=inputs.per_fold(layout.MODEL, model=study.heatmap_model),
        weights=inputs.per_fold(layout.WEIGHTS, model=study.heatmap_model),
    output:
        pages=report(
            directory(layout.SLIDE_PAGES),
            patterns=["{slide}.html"],
            caption="../report/slide_page.rst",
            category="{dataset}",
            subcategory="slides",
            labels={"slide": "{slide}", "encoder": "{encoder}"},
        ),
        errors=report(
            layout.ERRORS_PAGE,
            caption="../report/errors.rst",
            category="{dataset}",
            subcategory="errors",
            labels={"table": "errors, the confidently wrong first; {encoder}"},
        ),
    log:
        log("slide_pages", "encoder"),
    benchmark:
        benchmark("slide_pages", "encoder")
    wildcard_constraints:
        dataset=TRAINED,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("train", mem_mb=8000),
        **resources_of("report", runtime=60),
    params:
        stage=STAGES["figures"],
        pages=lambda wildcards: slide_pages_params(study, wildcards.dataset, wildcards.encoder),
    script:
        "../scripts/slide_pages.py"


rule applied_slide_pages:
    input:
        cohort=layout.COHORT,
        index=layout.FEATURE_INDEX,
        predictions=inputs.per_model_of_encoder(layout.PREDICTIONS),
        models=inputs.per_fit_used(layout.MODEL),
        weights=inputs.per_fit_used(layout.WEIGHTS),
    output:
        pages=report(
            directory(layout.SLIDE_PAGES),
            patterns=["{slide}.html"],
            caption="../report/slide_page.rst",
            category="{dataset}",
            subcategory="slides",
            labels={"slide": "{slide}", "encoder": "{encoder}"},
        ),
        errors=report(
            layout.ERRORS_PAGE,
            caption="../report/errors.rst",
            category="{dataset}",
            subcategory="errors",
            labels={"table": "errors, the confidently wrong first; {encoder}"},
        ),
    log:
        log("applied_slide_pages", "encoder"),
    benchmark:
        benchmark("applied_slide_pages", "encoder")
    wildcard_constraints:
        dataset=APPLIED,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("train", mem_mb=8000),
        **resources_of("report", runtime=60),
    params:
        stage=STAGES["figures"],
        pages=lambda wildcards: slide_pages_params(study, wildcards.dataset, wildcards.encoder),
        fits=lambda wildcards: fits_params(study, dataset_of(wildcards)),
    script:
        "../scripts/applied_slide_pages.py"
