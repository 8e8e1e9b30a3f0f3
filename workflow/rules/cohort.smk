rule cohort:
    input:
        tissue=per_own_slide("results/{dataset}/tissue/{slide}.geojson"),
        tiles=per_own_slide("results/{dataset}/tiles/{slide}.h5"),
        indexes=per_encoder("results/{dataset}/features/{encoder}.csv"),
    output:
        cohort="results/{dataset}/cohort.csv",
    log:
        "results/{dataset}/logs/cohort.log",
    benchmark:
        "results/{dataset}/benchmarks/cohort.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["tiles"],
        slides=lambda wildcards: [
            (slide.slide_id, slide.patient_id, slide.label, str(slide.path or ""))
            for slide in dataset_of(wildcards).slides
        ],
    script:
        "../scripts/cohort.py"
