shards = list(feature_shards(study))

for shard in shards:

    rule:
        name:
            shard.rule_name
        input:
            # ancient: a slide that joins the cohort does not make the others run again.
            checked=ancient(shard.file(layout.TILE_INDEX)),
            slides=shard.slide_files(),
            tiles=shard.files(layout.TILES),
        output:
            features=shard.files(layout.FEATURES),
        log:
            shard.file(log(FEATURES_RULE, "encoder", "shard")),
        benchmark:
            shard.file(benchmark(FEATURES_RULE, "encoder", "shard"))
        conda:
            MODELS_ENV
        threads: threads_of("features")
        resources:
            **resources_of("features", mem_mb=4000, runtime=60 + 15 * len(shard.slide_ids), gpu=0),
        params:
            stage=STAGES["features"],
            shard=shard.params(),
            slides=shard.slides(),
        script:
            "../scripts/features.py"

    obey_profile(shard.rule_name, FEATURES_RULE)


judge_inputs_by_slide(shards)
obey_command_line(lambda targets: shard_rules(shards, targets), FEATURES_RULE)


rule feature_index:
    input:
        features=feature_files,
        tiles=of_dataset(params.tile_index),
    output:
        index=layout.FEATURE_INDEX,
    log:
        log("feature_index", "encoder"),
    benchmark:
        benchmark("feature_index", "encoder")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["features"],
        features=lambda wildcards: params.feature_files(dataset_of(wildcards), wildcards.encoder),
        ready=lambda wildcards: dataset_of(wildcards).features_dir is not None,
        stamps=of_dataset(params.ready_stamps),
        on_slide_error=lambda wildcards: dataset_of(wildcards).settings["on_slide_error"],
        slides=of_dataset(params.cohort_rows),
        stop=of_dataset(params.stop),
    script:
        "../scripts/feature_index.py"
