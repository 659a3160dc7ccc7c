"""Methods without pretraining learn from the same rows and write the same predictions."""


rule fit_baseline:
    input:
        data=f"<exp>/data/{SOURCE}",
    output:
        model=directory("<exp>/runs/{method}/seed{seed}/model"),
        run="<exp>/runs/{method}/seed{seed}/run.json",
    log:
        "<exp>/logs/fit_baseline/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(b for b in BASELINES if b not in NETWORKS),
        seed="0",
    conda:
        "../../envs/light.yaml"
    threads: resource("fit_baseline", "threads")
    resources:
        mem_mb=resource("fit_baseline", "mem_mb"),
        runtime=resource("fit_baseline", "runtime"),
    params:
        settings=record("runs/{method}/seed{seed}/run.json"),
    message:
        "Fit the baseline {wildcards.method}"
    script:
        "../scripts/fit_baseline.py"


rule train_network:
    input:
        data=f"<exp>/data/{SOURCE}",
    output:
        model=directory("<exp>/runs/{method}/seed{seed}/model"),
        run="<exp>/runs/{method}/seed{seed}/run.json",
        history="<exp>/runs/{method}/seed{seed}/history.parquet",
    log:
        "<exp>/logs/train_network/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(NETWORKS),
    conda:
        "../../envs/torch.yaml"
    threads: resource("train_network", "threads")
    resources:
        gpu=resource("train_network", "gpu"),
        mem_mb=resource("train_network", "mem_mb"),
        runtime=resource("train_network", "runtime"),
    params:
        settings=record("runs/{method}/seed{seed}/run.json"),
    message:
        "Train the baseline {wildcards.method}, seed {wildcards.seed}"
    script:
        "../scripts/fit_baseline.py"


rule predict_baseline:
    input:
        model="<exp>/runs/{method}/seed{seed}/model",
        run="<exp>/runs/{method}/seed{seed}/run.json",
        data="<exp>/data/{dataset}",
    output:
        "<exp>/predictions/{dataset}/{method}/seed{seed}.parquet",
    log:
        "<exp>/logs/predict_baseline/{dataset}-{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(BASELINES),
    conda:
        "../../envs/torch.yaml"
    threads: resource("predict_baseline", "threads")
    resources:
        gpu=lambda wildcards: (
            resource("train_network", "gpu") if wildcards.method in NETWORKS else 0
        ),
        mem_mb=resource("predict_baseline", "mem_mb"),
        runtime=resource("predict_baseline", "runtime"),
    params:
        settings=record("predictions/{dataset}/{method}/seed{seed}.parquet"),
    message:
        "Predict {wildcards.dataset} with {wildcards.method} (seed {wildcards.seed})"
    script:
        "../scripts/predict_baseline.py"
