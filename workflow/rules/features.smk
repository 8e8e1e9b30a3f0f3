# A rule for each shard, since no wildcard tells the many outputs of a job from those of another.
for shard in feature_shards():

    rule:
        name:
            shard.rule_name
        input:
            slides=shard.slide_files,
            tiles=shard.files("results/{dataset}/tiles/{slide}.h5"),
        output:
            features=shard.files("results/{dataset}/features/{encoder}/{slide}.h5"),
        log:
            shard.file("results/{dataset}/logs/features/{encoder}/{shard}.log"),
        benchmark:
            shard.file("results/{dataset}/benchmarks/features/{encoder}/{shard}.tsv")
        conda:
            "../../envs/models.yaml"
        threads: resource("features", "threads", 1)
        resources:
            mem_mb=resource("features", "mem_mb", 4000),
            runtime=resource("features", "runtime", 60 + 15 * len(shard.slide_ids)),
            gpu=resource("features", "gpu", 0),
        params:
            stage=STAGES["features"],
            shard=shard.encoding,
        script:
            "../scripts/features.py"

    as_rule(shard.rule_name, known_as="features")


rule feature_index:
    input:
        features=feature_files,
    output:
        index="results/{dataset}/features/{encoder}.csv",
    log:
        "results/{dataset}/logs/feature_index/{encoder}.log",
    benchmark:
        "results/{dataset}/benchmarks/feature_index/{encoder}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["features"],
        slides=lambda wildcards: dataset_of(wildcards).slide_ids,
        max_failed_fraction=lambda wildcards: settings_of(wildcards)["max_failed_fraction"],
    script:
        "../scripts/feature_index.py"
