"""Tables about training: what was tried before it, and what more rows for it would bring.

They are there where the configuration asks for it (`tune:`, `learning_curve:`).
"""

TUNED_FROM = {
    "trials": in_exp(sum(map(TUNING.trials, TUNING.settings), [])),
    "choices": in_exp(sum(map(TUNING.choice, TUNING.settings), [])),
}
BEST_EPOCH = [model for model in MODELS if EXPERIMENT.recipes[model]["choose_epoch"] == "dev"]
TUNED = CONFIDENCE | FORMAT | {"dataset": SOURCE, "metric": METRIC, "best_epoch": BEST_EPOCH}
TUNING_TABLES = ["tuning", "tuning_budget"] if TUNING else []
for table in TUNING_TABLES:
    add(f"tables/{table}.csv", TUNED, TUNED_FROM)


rule tuning_tables:
    input:
        **TUNED_FROM,
    output:
        tuning=reported_table("tuning", "The dev score of every trial"),
        tuning_budget=reported_table("tuning_budget", "The best of so many trials"),
    log:
        "<exp>/logs/tables/tuning.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        table="tuning_tables",
        settings=record("tables/tuning.csv"),
        tuning_budget=record("tables/tuning_budget.csv"),
    message:
        "Tables: every trial, and the best of so many"
    script:
        "../scripts/write_table.py"


CURVE_FROM = {
    "curve": EXPERIMENT.curve_runs(
        "<exp>/curve_predictions/rows{rows}/{method}/seed{seed}.parquet"
    ),
    "predictions": runs_of(PREDICTION, CURVE.get("methods", [])),
    "data": f"<exp>/data/{SOURCE}",
}
CURVE_TABLES = ["learning_curve", "learning_curve_fit", "learning_curve_crossings"]
CURVE_TABLES = CURVE_TABLES if CURVE else []
for table in CURVE_TABLES:
    add(
        f"tables/{table}.csv",
        COMPARED | FORMAT | {"seed": config["compare"]["seed"]},
        CURVE_FROM,
    )
TABLES += expand("<exp>/tables/{table}.csv", table=TUNING_TABLES + CURVE_TABLES)


rule learning_curve_tables:
    input:
        **CURVE_FROM,
    output:
        learning_curve=reported_table("learning_curve", "Scores by number of training rows"),
        learning_curve_fit=reported_table(
            "learning_curve_fit", "What more labelled rows would bring"
        ),
        learning_curve_crossings=reported_table(
            "learning_curve_crossings", "Where learning curves cross"
        ),
    log:
        "<exp>/logs/tables/learning_curve.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    resources:
        mem_mb=3000,
    params:
        table="learning_curve_tables",
        settings=record("tables/learning_curve.csv"),
        learning_curve_fit=record("tables/learning_curve_fit.csv"),
        learning_curve_crossings=record("tables/learning_curve_crossings.csv"),
    message:
        "Tables: scores by number of training rows"
    script:
        "../scripts/write_table.py"
