"""The page to send to a colleague, and the same numbers for programs."""

SHOWN = {
    "tables": [*TABLES, *EXPORTS_TABLE, *PUBLISHED_TABLES],
    "figures": FIGURES,
    "data": expand("<exp>/data/{dataset}", dataset=DATASETS),
    "audits": expand("<exp>/audit/{dataset}.json", dataset=DATASETS),
    "runs": runs_of(RUN_RECORDS),
    "models": expand("<exp>/models/{model}", model=MODELS),
    "tokens": expand(f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow", model=MODELS),
    "published": expand(
        "<exp>/published/{part}.json", part=["audit", "study"] if PUBLISHED else []
    ),
}
SUMMED_UP = {
    "tables": [*TABLES, *expand("<exp>/tables/{t}.csv", t=["claims"] if PUBLISHED else [])],
    "data": SHOWN["data"],
    "runs": SHOWN["runs"],
    "audit": SHOWN["published"][:1],
}
CHECKPOINTS = [
    *runs_of("<exp>/runs/{model}/seed{seed}/checkpoint", MODELS),
    *runs_of("<exp>/runs/{method}/seed{seed}/model", PROBES),
]

CONFIG = {"config": without(config, *NOT_SHOWN)}

add("report.html", CONFIG | style_of(METHODS, DATASETS), SHOWN)
add("results.json", CONFIDENCE | MARGIN | {"source": SOURCE, "metric": METRIC}, SUMMED_UP)
EXPORTED = {
    "results": "<exp>/results.json",
    "checkpoints": CHECKPOINTS,
    "encoders": sorted({f"<exp>/models/{probe['model']}" for probe in EXPERIMENT.probes.values()}),
    "temperatures": runs_of(TEMPERATURE, [*MODELS, *PROBES]) if EXPERIMENT.has_dev else [],
    "data": SHOWN["data"],
}
add("checkpoints", {"languages": catalogue.languages(config["models"])}, EXPORTED)


rule report:
    input:
        **SHOWN,
    output:
        report(
            "<exp>/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "The whole experiment"},
        ),
    log:
        "<exp>/logs/report.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("report.html"),
        command=lambda wildcards: as_param(reruns.command(workflow.overwrite_configfiles)),
    message:
        "Write the report"
    script:
        "../scripts/write_report.py"


rule results:
    input:
        **SUMMED_UP,
    output:
        report(
            "<exp>/results.json",
            caption="../report/results.rst",
            category="Report",
            labels={"page": "Main results as JSON"},
        ),
    log:
        "<exp>/logs/results.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("results.json"),
    message:
        "Write results.json"
    script:
        "../scripts/write_results.py"


rule export_checkpoints:
    input:
        **EXPORTED,
    output:
        directory("<exp>/checkpoints"),
    log:
        "<exp>/logs/export_checkpoints.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("checkpoints"),
    message:
        "Write model cards"
    script:
        "../scripts/export_checkpoints.py"
