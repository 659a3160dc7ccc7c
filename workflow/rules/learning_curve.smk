"""Learning curves: what more labelled rows are worth, and to which method.

Every method is trained on nested, stratified subsets of the training rows (see subsets.smk), with its
usual recipe, and predicts the same test rows. Each seed has subsets of its own, so that the spread
over seeds is also one over choices of rows, for methods that draw nothing at random, too. The last
point of each curve is that of the usual runs, on all rows. In a cross-validation the subsets are drawn
within the first repeat's folds, and what these hold out is predicted and pooled.
"""


wildcard_constraints:
    rows=r"\d+",


if not EXPERIMENT.folds:

    use rule transfer as predict_curve with:
        input:
            checkpoint=curve_members("subset_runs/RUN/checkpoint"),
            run=curve_members("subset_runs/RUN/run.json"),
            tokens=f"<exp>/tokens/{SOURCE}/test/{{model}}.arrow",
        output:
            "<exp>/curve_predictions/rows{rows}/{model}/seed{seed}.parquet",
        log:
            "<exp>/logs/evaluate/rows{rows}-{model}-seed{seed}.log",
        wildcard_constraints:
            model=any_of(MODELS),
        params:
            dataset=SOURCE,
            settings=record("curve_predictions/rows{rows}/{model}/seed{seed}.parquet"),
        message:
            "Predict with {wildcards.model} trained on {wildcards.rows} rows (seed {wildcards.seed})"

    use rule predict_baseline as predict_baseline_curve with:
        input:
            model=curve_members("subset_runs/RUN/model"),
            run=curve_members("subset_runs/RUN/run.json"),
            data=f"<exp>/data/{SOURCE}",
        output:
            "<exp>/curve_predictions/rows{rows}/{method}/seed{seed}.parquet",
        log:
            "<exp>/logs/predict_baseline/rows{rows}-{method}-seed{seed}.log",
        wildcard_constraints:
            method=any_of(READING_TEXTS),
        params:
            settings=record("curve_predictions/rows{rows}/{method}/seed{seed}.parquet"),
        message:
            "Predict with {wildcards.method} trained on {wildcards.rows} rows (seed {wildcards.seed})"

    use rule predict_probe as predict_probe_curve with:
        input:
            model=curve_members("subset_runs/RUN/model"),
            run=curve_members("subset_runs/RUN/run.json"),
            data=f"<exp>/data/{SOURCE}",
            embeddings=embedded(SOURCE, "test"),
        output:
            "<exp>/curve_predictions/rows{rows}/{method}/seed{seed}.parquet",
        log:
            "<exp>/logs/predict_probe/rows{rows}-{method}-seed{seed}.log",
        wildcard_constraints:
            method=any_of(PROBES),
        params:
            settings=record("curve_predictions/rows{rows}/{method}/seed{seed}.parquet"),
        message:
            "Predict with {wildcards.method} fitted on {wildcards.rows} rows (seed {wildcards.seed})"

else:

    rule pool_curve:
        input:
            folds=curve_members("subset_predictions/RUN.parquet"),
        output:
            "<exp>/curve_predictions/rows{rows}/{method}/seed{seed}.parquet",
        log:
            "<exp>/logs/pool_folds/rows{rows}-{method}-seed{seed}.log",
        localrule: True
        conda:
            "../../envs/light.yaml"
        params:
            repeat="1",
            settings=record("curve_predictions/rows{rows}/{method}/seed{seed}.parquet"),
        message:
            "Pool the folds of {wildcards.method}, trained on {wildcards.rows} rows"
        script:
            "../scripts/pool_folds.py"
