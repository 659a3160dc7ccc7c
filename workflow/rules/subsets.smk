"""Trainings on some rows of the train split: the same methods, recipes and seeds as everywhere.

A row subset is drawn once, seeded and stratified, and all methods learn from the same rows of it.
What they learned is there only until it has predicted the rows that it is tested on.
"""


rule draw_subset:
    input:
        unpack(drawn_from),
        data=f"<exp>/data/{SOURCE}",
    output:
        "<exp>/subsets/{subset}.parquet",
    log:
        "<exp>/logs/draw_subset/{subset}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("subsets/{subset}.parquet"),
    message:
        "Draw the rows {wildcards.subset}"
    script:
        "../scripts/draw_subset.py"


use rule finetune as finetune_on_subset with:
    input:
        model="<exp>/models/{model}",
        train=f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow",
        dev=[f"<exp>/tokens/{SOURCE}/dev/{{model}}.arrow"] if EXPERIMENT.has_dev else [],
        tuned=lambda wildcards: in_exp(TUNING.choice(wildcards.model)),
        rows="<exp>/subsets/{subset}.parquet",
    output:
        history="<exp>/subset_runs/{subset}/{model}/seed{seed}/history.parquet",
        run="<exp>/subset_runs/{subset}/{model}/seed{seed}/run.json",
        checkpoint=temp(directory("<exp>/subset_runs/{subset}/{model}/seed{seed}/checkpoint")),
        epochs=temp(directory("<exp>/subset_runs/{subset}/{model}/seed{seed}/epochs")),
    log:
        "<exp>/logs/finetune/{subset}-{model}-seed{seed}.log",
    params:
        settings=record("subset_runs/{subset}/{model}/seed{seed}/run.json"),
    message:
        f"Fine-tune {{wildcards.model}} on {{wildcards.subset}} of {SOURCE}, seed {{wildcards.seed}}"


use rule fit_baseline as fit_baseline_on_subset with:
    input:
        data=f"<exp>/data/{SOURCE}",
        tuned=lambda wildcards: in_exp(TUNING.choice(wildcards.method)),
        rows="<exp>/subsets/{subset}.parquet",
    output:
        model=temp(directory("<exp>/subset_runs/{subset}/{method}/seed{seed}/model")),
        run="<exp>/subset_runs/{subset}/{method}/seed{seed}/run.json",
    log:
        "<exp>/logs/fit_baseline/{subset}-{method}-seed{seed}.log",
    params:
        settings=record("subset_runs/{subset}/{method}/seed{seed}/run.json"),
    message:
        "Fit the baseline {wildcards.method} on {wildcards.subset}"


use rule train_network as train_network_on_subset with:
    input:
        data=f"<exp>/data/{SOURCE}",
        tuned=lambda wildcards: in_exp(TUNING.choice(wildcards.method)),
        rows="<exp>/subsets/{subset}.parquet",
    output:
        model=temp(directory("<exp>/subset_runs/{subset}/{method}/seed{seed}/model")),
        run="<exp>/subset_runs/{subset}/{method}/seed{seed}/run.json",
        history="<exp>/subset_runs/{subset}/{method}/seed{seed}/history.parquet",
    log:
        "<exp>/logs/train_network/{subset}-{method}-seed{seed}.log",
    params:
        settings=record("subset_runs/{subset}/{method}/seed{seed}/run.json"),
    message:
        "Train the baseline {wildcards.method} on {wildcards.subset}, seed {wildcards.seed}"


use rule fit_probe as fit_probe_on_subset with:
    input:
        data=f"<exp>/data/{SOURCE}",
        embeddings=embedded(SOURCE, "train"),
        encoder=lambda wildcards: f"<exp>/models/{EXPERIMENT.probes[wildcards.method]['model']}",
        rows="<exp>/subsets/{subset}.parquet",
    output:
        model=temp(directory("<exp>/subset_runs/{subset}/{method}/seed{seed}/model")),
        run="<exp>/subset_runs/{subset}/{method}/seed{seed}/run.json",
    log:
        "<exp>/logs/fit_probe/{subset}-{method}-seed{seed}.log",
    params:
        settings=record("subset_runs/{subset}/{method}/seed{seed}/run.json"),
    message:
        "Fit the probe {wildcards.method} on {wildcards.subset}"
