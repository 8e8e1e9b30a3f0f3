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
        slide=tiling_of,
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
