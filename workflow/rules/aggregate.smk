"""Turn predictions into tables: one fact per column, every number with its spread."""


localrules:
    runs_table,
    summary_table,
    main_table,
    transfer_table,
    baselines_table,
    efficiency_table,
    convergence_table,
    reliability_table,
    slices_table,
    errors_table,
    leaks_table,
    correlation_table,
    comparison_tables,


TABLES = expand(
    "<exp>/tables/{table}.csv",
    table=[
        "runs",
        "summary",
        "main",
        "transfer",
        "baselines",
        "efficiency",
        "convergence",
        "reliability",
        "slices",
        "errors",
        "leaks",
        "correlation",
        "comparisons",
        "ranking",
    ],
)


rule runs_table:
    input:
        predictions=predictions_of(DATASETS),
    output:
        target=report(
            "<exp>/tables/runs.csv",
            caption="../report/runs_table.rst",
            category="Tables",
            labels={"table": "Every single run"},
        ),
    log:
        "<exp>/logs/tables/runs.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="runs",
        confidence=config["compare"]["confidence"],
    message:
        "Table: every single run"
    script:
        "../scripts/write_table.py"


rule summary_table:
    input:
        runs="<exp>/tables/runs.csv",
    output:
        target=report(
            "<exp>/tables/summary.csv",
            caption="../report/summary_table.rst",
            category="Tables",
            labels={"table": "Mean and spread over seeds"},
        ),
    log:
        "<exp>/logs/tables/summary.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="summary",
        confidence=config["compare"]["confidence"],
    message:
        "Table: mean and spread over seeds"
    script:
        "../scripts/write_table.py"


rule main_table:
    input:
        summary="<exp>/tables/summary.csv",
        runs_json=runs_of("<exp>/runs/{model}/seed{seed}/run.json", MODELS),
        speed=expand("<exp>/speed/{model}.json", model=MODELS),
    output:
        target=report(
            "<exp>/tables/main.csv",
            caption="../report/main_table.rst",
            category="Tables",
            labels={"table": "The main table"},
        ),
    log:
        "<exp>/logs/tables/main.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="main",
        source=SOURCE,
        models=MODELS,
    message:
        "Table: the main table"
    script:
        "../scripts/write_table.py"


rule transfer_table:
    input:
        summary="<exp>/tables/summary.csv",
        predictions=predictions_of(DATASETS),
    output:
        target=report(
            "<exp>/tables/transfer.csv",
            caption="../report/transfer_table.rst",
            category="Tables",
            labels={"table": "Transfer without training"},
        ),
    log:
        "<exp>/logs/tables/transfer.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="transfer",
        source=SOURCE,
        transfer=TRANSFER,
        confidence=config["compare"]["confidence"],
        resamples=config["compare"]["resamples"],
        seed=config["compare"]["seed"],
    message:
        "Table: transfer without training"
    script:
        "../scripts/write_table.py"


rule baselines_table:
    input:
        summary="<exp>/tables/summary.csv",
        runs_json=runs_of("<exp>/runs/{method}/seed{seed}/run.json", BASELINES),
    output:
        target=report(
            "<exp>/tables/baselines.csv",
            caption="../report/baselines_table.rst",
            category="Tables",
            labels={"table": "Baselines"},
        ),
    log:
        "<exp>/logs/tables/baselines.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="baselines",
        source=SOURCE,
        baselines=BASELINES,
    message:
        "Table: baselines"
    script:
        "../scripts/write_table.py"


rule efficiency_table:
    input:
        summary="<exp>/tables/summary.csv",
        runs_json=runs_of("<exp>/runs/{method}/seed{seed}/run.json"),
        speed=expand("<exp>/speed/{model}.json", model=MODELS),
    output:
        target=report(
            "<exp>/tables/efficiency.csv",
            caption="../report/efficiency_table.rst",
            category="Tables",
            labels={"table": "What accuracy costs"},
        ),
    log:
        "<exp>/logs/tables/efficiency.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="efficiency",
        source=SOURCE,
    message:
        "Table: what accuracy costs"
    script:
        "../scripts/write_table.py"


rule convergence_table:
    input:
        histories=runs_of("<exp>/runs/{model}/seed{seed}/history.parquet", MODELS),
        data=f"<exp>/data/{SOURCE}",
    output:
        target=report(
            "<exp>/tables/convergence.csv",
            caption="../report/convergence_table.rst",
            category="Tables",
            labels={"table": "How fast training converges"},
        ),
    log:
        "<exp>/logs/tables/convergence.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="convergence",
        confidence=config["compare"]["confidence"],
    message:
        "Table: how fast training converges"
    script:
        "../scripts/write_table.py"


rule reliability_table:
    input:
        predictions=predictions_of(DATASETS),
    output:
        target=report(
            "<exp>/tables/reliability.csv",
            caption="../report/reliability_table.rst",
            category="Tables",
            labels={"table": "Confidence against accuracy"},
        ),
    log:
        "<exp>/logs/tables/reliability.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="reliability",
        confidence=config["compare"]["confidence"],
    message:
        "Table: confidence against accuracy"
    script:
        "../scripts/write_table.py"


rule slices_table:
    input:
        predictions=predictions_of([SOURCE]),
        texts=[f"<exp>/data/{SOURCE}"],
    output:
        target=report(
            "<exp>/tables/slices.csv",
            caption="../report/slices_table.rst",
            category="Tables",
            labels={"table": "Accuracy by text length and label"},
        ),
    log:
        "<exp>/logs/tables/slices.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="slices",
        confidence=config["compare"]["confidence"],
    message:
        "Table: accuracy by text length and label"
    script:
        "../scripts/write_table.py"


rule errors_table:
    input:
        predictions=predictions_of([SOURCE]),
        texts=[f"<exp>/data/{SOURCE}"],
    output:
        target=report(
            "<exp>/tables/errors.csv",
            caption="../report/errors_table.rst",
            category="Tables",
            labels={"table": "Rows that methods get wrong"},
        ),
    log:
        "<exp>/logs/tables/errors.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="errors",
    message:
        "Table: rows that methods get wrong"
    script:
        "../scripts/write_table.py"


rule leaks_table:
    input:
        predictions=predictions_of([SOURCE]),
        audit=f"<exp>/audit/{SOURCE}.json",
    output:
        target=report(
            "<exp>/tables/leaks.csv",
            caption="../report/leaks_table.rst",
            category="Tables",
            labels={"table": "Without the leaked test rows"},
        ),
    log:
        "<exp>/logs/tables/leaks.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="leaks",
        confidence=config["compare"]["confidence"],
    message:
        "Table: without the leaked test rows"
    script:
        "../scripts/write_table.py"


rule correlation_table:
    input:
        runs="<exp>/tables/runs.csv",
        histories=runs_of("<exp>/runs/{model}/seed{seed}/history.parquet", MODELS),
    output:
        target=report(
            "<exp>/tables/correlation.csv",
            caption="../report/correlation_table.rst",
            category="Tables",
            labels={"table": "Loss against accuracy"},
        ),
    log:
        "<exp>/logs/tables/correlation.log",
    conda:
        "../../envs/light.yaml"
    params:
        table="correlation",
        confidence=config["compare"]["confidence"],
        resamples=config["compare"]["resamples"],
        seed=config["compare"]["seed"],
    message:
        "Table: loss against accuracy"
    script:
        "../scripts/write_table.py"


rule comparison_tables:
    input:
        predictions=predictions_of(DATASETS),
    output:
        comparisons=report(
            "<exp>/tables/comparisons.csv",
            caption="../report/comparisons_table.rst",
            category="Tables",
            labels={"table": "Every pair of methods"},
        ),
        ranking=report(
            "<exp>/tables/ranking.csv",
            caption="../report/ranking_table.rst",
            category="Tables",
            labels={"table": "Ranking"},
        ),
    log:
        "<exp>/logs/tables/comparisons.log",
    conda:
        "../../envs/light.yaml"
    resources:
        mem_mb=3000,
    params:
        table="comparisons",
        dataset=None,
        baseline=config["compare"]["baseline"],
        confidence=config["compare"]["confidence"],
        resamples=config["compare"]["resamples"],
        seed=config["compare"]["seed"],
    message:
        "Tables: ranking and every pair of methods"
    script:
        "../scripts/write_table.py"
