rule cohort:
    input:
        tiles=of_dataset(params.tile_index),
        indexes=inputs.per_encoder(layout.FEATURE_INDEX),
    output:
        cohort=layout.COHORT,
    log:
        log("cohort"),
    benchmark:
        benchmark("cohort")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["tiles"],
        slides=of_dataset(params.cohort_rows),
    script:
        "../scripts/cohort.py"


rule cohort_page:
    input:
        cohort=layout.COHORT,
    output:
        page=report(
            layout.COHORT_PAGE,
            caption="../report/cohort.rst",
            category="{dataset}",
            subcategory="cohort",
            labels={"table": "slides and their outcome"},
        ),
    log:
        log("cohort_page"),
    benchmark:
        benchmark("cohort_page")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/cohort_page.py"
