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

BEST_EPOCH = [model for model in MODELS if EXPERIMENT.recipes[model]["choose_epoch"] == "dev"]
TUNED = CONFIDENCE | FORMAT | {"dataset": SOURCE, "metric": METRIC, "best_epoch": BEST_EPOCH}
LEARNED = COMPARED | FORMAT | {"seed": config["compare"]["seed"]}

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
# Tables of one computation. rule: (log, message, inputs, labels by table, settings by table, of which
# the computation takes the first)
JOINT_SPECS = {
    "comparison_tables": (
        "comparisons",
        "Tables: ranking and pairwise comparisons",
        {"predictions": PREDICTIONS},
        {"comparisons": "Pairwise comparisons", "ranking": "Ranking"},
        {"comparisons": COMPARED | BASELINE | MARGIN, "ranking": COMPARED | BASELINE},
    ),
    "class_tables": (
        "per_class",
        "Tables: confusion matrix, precision and recall by class",
        {"predictions": PREDICTIONS},
        {"confusion": "Confusion matrices", "per_class": "Precision, recall and F1 of every class"},
        {"per_class": CONFIDENCE | ROLES, "confusion": {}},
    ),
    "planning_tables": (
        "planning",
        "Tables: variance components and sample-size planning",
        {"predictions": ON_SOURCE, "efficiency": "<exp>/tables/efficiency.csv"},
        {"variance": "What chance is made of", "planning": "What would settle more"},
        {"variance": COMPARED, "planning": COMPARED},
    ),
    "tuning_tables": (
        "tuning",
        "Tables: every trial, and the best of so many",
        {
            "trials": in_exp(sum(map(TUNING.trials, TUNING.settings), [])),
            "choices": in_exp(sum(map(TUNING.choice, TUNING.settings), [])),
        },
        {"tuning": "The dev score of every trial", "tuning_budget": "The best of so many trials"},
        {"tuning": TUNED, "tuning_budget": TUNED},
    ),
    "learning_curve_tables": (
        "learning_curve",
        "Tables: scores by number of training rows",
        {
            "curve": EXPERIMENT.curve_runs(
                "<exp>/curve_predictions/rows{rows}/{method}/seed{seed}.parquet"
            ),
            "predictions": runs_of(PREDICTION, CURVE.get("methods", [])),
            "data": f"<exp>/data/{SOURCE}",
        },
        {
            "learning_curve": "Scores by number of training rows",
            "learning_curve_fit": "What more labelled rows would bring",
            "learning_curve_crossings": "Where learning curves cross",
        },
        {
            "learning_curve": LEARNED,
            "learning_curve_fit": LEARNED,
            "learning_curve_crossings": LEARNED,
        },
    ),
}
ASKED_FOR = {"tuning_tables": TUNING, "learning_curve_tables": CURVE}
# All pairs of methods and all their draws are in memory.
LARGE = ["comparison_tables", "planning_tables", "learning_curve_tables"]
ALONE_SPECS = {
    f"{table}_table": (
        table,
        f"Table: {label[0].lower()}{label[1:]}",
        inputs,
        {table: label},
        {table: settings},
    )
    for table, (label, inputs, settings) in TABLE_SPECS.items()
}
TABLES = []


for made_by, (log, message, inputs, labels, settings) in (ALONE_SPECS | JOINT_SPECS).items():
    if ASKED_FOR.get(made_by, True):
        TABLES += expand("<exp>/tables/{table}.csv", table=labels)
        for table, own in settings.items():
            add(f"tables/{table}.csv", own | FORMAT, inputs)

    rule:
        name:
            made_by
        input:
            **inputs,
        output:
            **reported_tables(labels),
        log:
            f"<exp>/logs/tables/{log}.log",
        localrule: True
        conda:
            "../../envs/light.yaml"
        resources:
            **({"mem_mb": 3000} if made_by in LARGE else {}),
        params:
            **table_params(made_by, settings),
        message:
            message
        script:
            "../scripts/write_table.py"
