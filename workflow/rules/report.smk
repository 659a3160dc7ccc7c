"""The page to send to a colleague, and the same numbers for programs."""


localrules:
    report,
    results,
    export_checkpoints,


rule report:
    input:
        tables=[*TABLES, *PUBLISHED_TABLES],
        figures=FIGURES,
        data=expand("<exp>/data/{dataset}", dataset=DATASETS),
        audits=expand("<exp>/audit/{dataset}.json", dataset=DATASETS),
        runs=runs_of("<exp>/runs/{method}/seed{seed}/run.json"),
        models=expand("<exp>/models/{model}", model=MODELS),
        published=PUBLISHED_AUDIT,
    output:
        report(
            "<exp>/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "The whole experiment"},
        ),
    log:
        "<exp>/logs/report.log",
    conda:
        "../../envs/light.yaml"
    params:
        config=lambda wildcards: without(config, "resources", "pathvars"),
        command=lambda wildcards: AGAIN,
        style=lambda wildcards: style(),
    message:
        "Write the report"
    script:
        "../scripts/write_report.py"


rule results:
    input:
        tables=TABLES,
        data=expand("<exp>/data/{dataset}", dataset=DATASETS),
        runs=runs_of("<exp>/runs/{method}/seed{seed}/run.json"),
    output:
        report(
            "<exp>/results.json",
            caption="../report/results.rst",
            category="Report",
            labels={"page": "The main results for programs"},
        ),
    log:
        "<exp>/logs/results.log",
    conda:
        "../../envs/light.yaml"
    params:
        source=SOURCE,
        confidence=config["compare"]["confidence"],
    message:
        "Write the results for programs"
    script:
        "../scripts/write_results.py"


rule export_checkpoints:
    input:
        results="<exp>/results.json",
        checkpoints=runs_of("<exp>/runs/{model}/seed{seed}/checkpoint", MODELS),
    output:
        directory("<exp>/checkpoints"),
    log:
        "<exp>/logs/export_checkpoints.log",
    conda:
        "../../envs/light.yaml"
    message:
        "Put our metrics into the model cards"
    script:
        "../scripts/export_checkpoints.py"
