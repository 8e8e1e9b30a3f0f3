rule audit:
    log:
        "results/audit.log",
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        study=study,
    script:
        "../scripts/audit.py"
