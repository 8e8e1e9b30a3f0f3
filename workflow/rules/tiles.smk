rule tiles:
    input:
        slide=slide_file,
        geojson="results/{dataset}/tissue/{slide}.geojson",
    output:
        tiles="results/{dataset}/tiles/{slide}.h5",
        overview="results/{dataset}/tissue/{slide}.jpg",
    log:
        "results/{dataset}/logs/tiles/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/tiles/{slide}.tsv"
    group:
        "slide"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=resource("slide", "mem_mb", 1500),
        runtime=resource("slide", "runtime", 10),
    params:
        stage=STAGES["tiles"],
        path=slide_path,
        mpp=lambda wildcards: slide_of(wildcards).mpp,
        assume_mpp=lambda wildcards: settings_of(wildcards)["assume_mpp"],
        mpp_from_objective=lambda wildcards: settings_of(wildcards)["mpp_from_objective"],
        target_mpp=lambda wildcards: settings_of(wildcards)["target_mpp"],
        tile_px=lambda wildcards: settings_of(wildcards)["tile_px"],
        step_px=lambda wildcards: settings_of(wildcards)["step_px"],
        min_tissue_fraction=lambda wildcards: settings_of(wildcards)["min_tissue_fraction"],
        max_upsampling=lambda wildcards: settings_of(wildcards)["max_upsampling"],
        on_slide_error=lambda wildcards: settings_of(wildcards)["on_slide_error"],
    script:
        "../scripts/tiles.py"


rule tile_images:
    input:
        slide=slide_file,
        tiles="results/{dataset}/tiles/{slide}.h5",
    output:
        images="results/{dataset}/tile_images/{slide}.zip",
    log:
        "results/{dataset}/logs/tile_images/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/tile_images/{slide}.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: resource("features", "threads", 2)
    resources:
        mem_mb=resource("slide", "mem_mb", 1500),
        runtime=resource("features", "runtime", 60),
    params:
        stage=STAGES["tile_images"],
        path=slide_path,
    script:
        "../scripts/tile_images.py"
