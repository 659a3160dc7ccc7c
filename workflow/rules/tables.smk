"""Tables: one job and one CSV file each, made from predictions, histories and other tables.

`settings` holds exactly what decides a table's content beside its inputs.
"""

METRIC, STATED = config["compare"]["metric"], config["compare"]["seed_sd"]
CONFIDENCE = {"confidence": config["compare"]["confidence"]}
# What is known of seeds: which methods draw random numbers, which are controls, and what the user
# states of the metric.
ROLES = {"roles": EXPERIMENT.roles}
SEEDS = CONFIDENCE | ROLES | {"seed_sd": STATED if METRIC == "accuracy" else None}
STATED_OF_METRIC = {"seed_sd": None if STATED is None else {METRIC: STATED}}
# How much an ensemble varies is judged by the runs that it is made of.
ENSEMBLES_OF = {name: block["of"] for name, block in EXPERIMENT.ensembles.items()}
ENSEMBLES_OF = {"ensembles": ENSEMBLES_OF} if ENSEMBLES_OF else {}
COMPARED = CONFIDENCE | ROLES | {"seed_sd": STATED, "metric": METRIC}
BASELINE = {"baseline": config["compare"]["baseline"]}
MARGIN = {"margin": config["compare"]["margin"]}
# Raised when tables say more, or something else, though nothing that they are made of has changed.
FORMAT = {"format": 4}
BOOTSTRAP = CONFIDENCE | {key: config["compare"][key] for key in ("resamples", "seed")}
RUNS, SUMMARY = "<exp>/tables/runs.csv", "<exp>/tables/summary.csv"
PREDICTION = "<exp>/predictions/{dataset}/{method}/seed{seed}.parquet"
PREDICTIONS, ON_SOURCE = runs_of(PREDICTION, datasets=DATASETS), runs_of(PREDICTION)
HISTORIES = runs_of("<exp>/runs/{model}/seed{seed}/history.parquet", MODELS)
TIMINGS = "<exp>/speed/rounds.json"
# Relative times are to the first method: models come before baselines.
RELATIVE = CONFIDENCE | {"source": SOURCE, "reference": METHODS[0]}
TEMPERATURE = "<exp>/temperatures/{method}/seed{seed}.json"
TEMPERATURES = runs_of(TEMPERATURE) if EXPERIMENT.has_dev else []
RUN_RECORDS = "<exp>/runs/{method}/seed{seed}/run.json"

# table: (label in the report, inputs, settings)
TABLE_SPECS = {
    "runs": ("All runs", {"predictions": PREDICTIONS}, CONFIDENCE),
    "summary": (
        "Mean and standard deviation over seeds",
        {"runs": RUNS},
        CONFIDENCE | ROLES | STATED_OF_METRIC | ENSEMBLES_OF,
    ),
    "main": (
        "The main table",
        {"summary": SUMMARY, "runs_json": runs_of(RUN_RECORDS, MODELS), "speed": TIMINGS},
        CONFIDENCE | {"source": SOURCE, "models": MODELS},
    ),
    "transfer": (
        "Other domains",
        {"predictions": PREDICTIONS},
        {"source": SOURCE, "transfer": TRANSFER} | SEEDS,
    ),
    "baselines": (
        "Baselines",
        {"summary": SUMMARY, "runs_json": runs_of(RUN_RECORDS, BASELINES)},
        {"source": SOURCE, "baselines": BASELINES},
    ),
    "efficiency": (
        "Cost by method",
        {"summary": SUMMARY, "runs_json": runs_of(RUN_RECORDS), "speed": TIMINGS},
        RELATIVE | {"metric": METRIC},
    ),
    "recommendation": (
        "Recommendation",
        {"ranking": "<exp>/tables/ranking.csv", "efficiency": "<exp>/tables/efficiency.csv"},
        {"source": SOURCE, "controls": EXPERIMENT.controls} | MARGIN,
    ),
    "convergence": (
        "Convergence",
        {"histories": HISTORIES, "data": f"<exp>/data/{SOURCE}"},
        CONFIDENCE | ROLES,
    ),
    "reliability": ("Confidence against accuracy", {"predictions": PREDICTIONS}, CONFIDENCE),
    "calibration": (
        "Calibration, before and after temperature scaling",
        {"predictions": PREDICTIONS, "temperatures": TEMPERATURES},
        CONFIDENCE | ROLES,
    ),
    "slices": (
        "Accuracy by text length and label",
        {"predictions": ON_SOURCE, "texts": [f"<exp>/data/{SOURCE}"]},
        SEEDS,
    ),
    "errors": (
        "Errors",
        {"predictions": ON_SOURCE, "texts": [f"<exp>/data/{SOURCE}"]},
        {"controls": EXPERIMENT.controls},
    ),
    "leaks": (
        "Accuracy without leaked rows",
        {
            "predictions": ON_SOURCE,
            "audit": f"<exp>/audit/{SOURCE}.json",
            "near_duplicates": f"<exp>/near_duplicates/{SOURCE}.parquet",
        },
        SEEDS,
    ),
    "near_duplicates": (
        "Texts that are nearly the same",
        {
            "near_duplicates": f"<exp>/near_duplicates/{SOURCE}.parquet",
            "data": f"<exp>/data/{SOURCE}",
        },
        {},
    ),
    "label_errors": (
        "Labels that are likely wrong",
        {"predictions": ON_SOURCE, "texts": [f"<exp>/data/{SOURCE}"]},
        {"controls": EXPERIMENT.controls},
    ),
    "correlation": ("Loss against accuracy", {"runs": RUNS, "histories": HISTORIES}, BOOTSTRAP),
}
TABLES = expand(
    "<exp>/tables/{table}.csv",
    table=[
        *TABLE_SPECS,
        "comparisons",
        "ranking",
        "confusion",
        "per_class",
        "variance",
        "planning",
    ],
)


for table, (label, inputs, settings) in TABLE_SPECS.items():
    add(f"tables/{table}.csv", settings | FORMAT, inputs)

    rule:
        name:
            f"{table}_table"
        input:
            **inputs,
        output:
            target=reported_table(table, label),
        log:
            f"<exp>/logs/tables/{table}.log",
        localrule: True
        conda:
            "../../envs/light.yaml"
        params:
            table=f"{table}_table",
            settings=record(f"tables/{table}.csv"),
        message:
            f"Table: {label[0].lower()}{label[1:]}"
        script:
            "../scripts/write_table.py"


add("tables/ranking.csv", COMPARED | BASELINE | FORMAT, {"predictions": PREDICTIONS})
add(
    "tables/comparisons.csv",
    COMPARED | BASELINE | MARGIN | FORMAT,
    {"predictions": PREDICTIONS},
)


rule comparison_tables:
    input:
        predictions=PREDICTIONS,
    output:
        comparisons=reported_table("comparisons", "Pairwise comparisons"),
        ranking=reported_table("ranking", "Ranking"),
    log:
        "<exp>/logs/tables/comparisons.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    resources:
        mem_mb=3000,
    params:
        table="comparison_tables",
        settings=record("tables/comparisons.csv"),
        ranking=record("tables/ranking.csv"),
    message:
        "Tables: ranking and pairwise comparisons"
    script:
        "../scripts/write_table.py"


for table, settings in {
    "confusion": {},
    "per_class": CONFIDENCE | ROLES,
}.items():
    add(f"tables/{table}.csv", settings | FORMAT, {"predictions": PREDICTIONS})


rule class_tables:
    input:
        predictions=PREDICTIONS,
    output:
        confusion=reported_table("confusion", "Confusion matrices"),
        per_class=reported_table("per_class", "Precision, recall and F1 of every class"),
    log:
        "<exp>/logs/tables/per_class.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        table="class_tables",
        settings=record("tables/per_class.csv"),
        confusion=record("tables/confusion.csv"),
    message:
        "Tables: confusion matrix, precision and recall by class"
    script:
        "../scripts/write_table.py"


PLANNED_FROM = {"predictions": ON_SOURCE, "efficiency": "<exp>/tables/efficiency.csv"}
for table in ("variance", "planning"):
    add(f"tables/{table}.csv", COMPARED | FORMAT, PLANNED_FROM)


rule planning_tables:
    input:
        **PLANNED_FROM,
    output:
        variance=reported_table("variance", "What chance is made of"),
        planning=reported_table("planning", "What would settle more"),
    log:
        "<exp>/logs/tables/planning.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    resources:
        mem_mb=3000,
    params:
        table="planning_tables",
        settings=record("tables/variance.csv"),
        planning=record("tables/planning.csv"),
    message:
        "Tables: variance components and sample-size planning"
    script:
        "../scripts/write_table.py"
