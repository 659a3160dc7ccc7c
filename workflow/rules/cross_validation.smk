"""Cross-validation: every row is predicted by models that never saw it, for data too few to split.

Each fold is a training of its own, on all other rows (see subsets.smk), so that one of them can be
made alone, resumed or sent elsewhere. Duplicates and near-duplicates are in one fold. What the folds
predict is pooled into one file per run, in the form that a test split has; repeats do so again with
other folds. The models to use are those that the other rules train on all rows.
"""


use rule evaluate as predict_fold with:
    input:
        **tested_epochs("subset_runs/{subset}/{model}/seed{seed}"),
        checkpoint="<exp>/subset_runs/{subset}/{model}/seed{seed}/checkpoint",
        run="<exp>/subset_runs/{subset}/{model}/seed{seed}/run.json",
        tokens=f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow",
        rows=lambda wildcards: f"<exp>/subsets/{EXPERIMENT.fold_of(wildcards.subset)}.parquet",
    output:
        "<exp>/subset_predictions/{subset}/{model}/seed{seed}.parquet",
    log:
        "<exp>/logs/evaluate/{subset}-{model}-seed{seed}.log",
    wildcard_constraints:
        model=any_of(MODELS),
    params:
        dataset=SOURCE,
        split="train",
        settings=record("subset_predictions/{subset}/{model}/seed{seed}.parquet"),
    message:
        "Predict what {wildcards.subset} holds out with {wildcards.model} (seed {wildcards.seed})"


use rule predict_baseline as predict_baseline_fold with:
    input:
        model="<exp>/subset_runs/{subset}/{method}/seed{seed}/model",
        run="<exp>/subset_runs/{subset}/{method}/seed{seed}/run.json",
        data=f"<exp>/data/{SOURCE}",
        rows=lambda wildcards: f"<exp>/subsets/{EXPERIMENT.fold_of(wildcards.subset)}.parquet",
    output:
        "<exp>/subset_predictions/{subset}/{method}/seed{seed}.parquet",
    log:
        "<exp>/logs/predict_baseline/{subset}-{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(READING_TEXTS),
    params:
        split="train",
        settings=record("subset_predictions/{subset}/{method}/seed{seed}.parquet"),
    message:
        "Predict what {wildcards.subset} holds out with {wildcards.method} (seed {wildcards.seed})"


use rule predict_probe as predict_probe_fold with:
    input:
        model="<exp>/subset_runs/{subset}/{method}/seed{seed}/model",
        run="<exp>/subset_runs/{subset}/{method}/seed{seed}/run.json",
        data=f"<exp>/data/{SOURCE}",
        embeddings=embedded(SOURCE, "train"),
        rows=lambda wildcards: f"<exp>/subsets/{EXPERIMENT.fold_of(wildcards.subset)}.parquet",
    output:
        "<exp>/subset_predictions/{subset}/{method}/seed{seed}.parquet",
    log:
        "<exp>/logs/predict_probe/{subset}-{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(PROBES),
    params:
        split="train",
        settings=record("subset_predictions/{subset}/{method}/seed{seed}.parquet"),
    message:
        "Predict what {wildcards.subset} holds out with {wildcards.method}"


rule pool_folds:
    input:
        folds=lambda wildcards: expand(
            "<exp>/subset_predictions/repeat{repeat}-fold{fold}/{method}/seed{seed}.parquet",
            repeat=(wildcards.repeat or "-repeat1").removeprefix("-repeat"),
            fold=range(1, EXPERIMENT.folds + 1),
            method=wildcards.method,
            seed=wildcards.seed,
        ),
    output:
        f"<exp>/predictions/{SOURCE}/{{method}}/seed{{seed}}{{repeat}}.parquet",
    log:
        "<exp>/logs/pool_folds/{method}-seed{seed}{repeat}.log",
    wildcard_constraints:
        repeat=r"(-repeat\d+)?",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        repeat=lambda wildcards: (wildcards.repeat or "-repeat1").removeprefix("-repeat"),
        settings=record(f"predictions/{SOURCE}/{{method}}/seed{{seed}}{{repeat}}.parquet"),
    message:
        "Pool the folds of {wildcards.method}, seed {wildcards.seed}{wildcards.repeat}"
    script:
        "../scripts/pool_folds.py"
