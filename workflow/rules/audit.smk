rule audit:
    log:
        layout.AUDIT_LOG,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        study=study,
    script:
        "../scripts/audit.py"
