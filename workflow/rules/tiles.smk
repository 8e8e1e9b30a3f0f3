rule tiles:
    input:
        slide=slide_file,
        geojson=layout.TISSUE,
    output:
        tiles=layout.TILES,
        overview=layout.OVERVIEW,
    log:
        log("tiles", "slide"),
    benchmark:
        benchmark("tiles", "slide")
    group:
        "slide"
    conda:
        SLIDES_ENV
    threads: 1
    resources:
        **resources_of("slide", mem_mb=1500, runtime=10),
    params:
        stage=STAGES["tiles"],
        slide=of_slide(params.tiling),
    script:
        "../scripts/tiles.py"


# Stops a cohort with too many unusable slides, or with one slide twice, before hours of encoding.
rule tile_index:
    input:
        tissue=inputs.per_slide(layout.TISSUE),
        tiles=inputs.per_slide(layout.TILES),
    output:
        index=layout.TILE_INDEX,
    log:
        log("tile_index"),
    benchmark:
        benchmark("tile_index")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["tiles"],
        slides=of_dataset(params.cohort_rows),
        stop=of_dataset(params.stop),
    script:
        "../scripts/tile_index.py"


rule tile_images:
    input:
        slide=slide_file,
        tiles=layout.TILES,
    output:
        images=layout.TILE_IMAGES,
    log:
        log("tile_images", "slide"),
    benchmark:
        benchmark("tile_images", "slide")
    conda:
        SLIDES_ENV
    threads: threads_of("features", default=2)
    resources:
        **resources_of("slide", mem_mb=1500, runtime=60),
    params:
        stage=STAGES["tile_images"],
        path=slide_path,
    script:
        "../scripts/tile_images.py"
