"""Training and prediction: every method learns from the same rows, once per seed.

A model is fine-tuned on the source dataset, with the original study's recipe unless the
configuration differs: AdamW at 2e-5, constant rate, three epochs. Every step is recorded. The kept
epoch becomes `checkpoint/`; the others are there only until they are evaluated. A killed job
resumes from its saved state, which is outside the outputs because Snakemake removes those before a
job starts.

Predictions are one row of logits per example, epoch and seed: every epoch on the source dataset,
the kept epoch elsewhere. Every later number comes from these. Methods without pretraining write the
same files.

All methods are timed in turn by one job, on the same texts and with the threads that training has.
Another method times all of them again and makes nothing else again. A timing should run alone: on
one machine the job requests all cores, whatever it uses, so that no other job runs beside it.
"""

# What has a test split of its own; with cross-validation the source has none.
TESTED = TRANSFER if EXPERIMENT.folds else DATASETS
TIMED, TIMED_BASELINES = sorted(MODELS), sorted({*BASELINES} - {*ENSEMBLES})
TIMED_RUNS = [f"<exp>/runs/{b}/seed{EXPERIMENT.first_seed_of(b)}" for b in TIMED_BASELINES]
TIMED_THREADS = SIZES.threads("speed", SIZES.threads("finetune", 4))


rule finetune:
    input:
        model="<exp>/models/{model}",
        train=f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow",
        dev=[f"<exp>/tokens/{SOURCE}/dev/{{model}}.arrow"] if EXPERIMENT.has_dev else [],
        tuned=lambda wildcards: in_exp(TUNING.choice(wildcards.model)),
    output:
        history="<exp>/runs/{model}/seed{seed}/history.parquet",
        run="<exp>/runs/{model}/seed{seed}/run.json",
        checkpoint=directory("<exp>/runs/{model}/seed{seed}/checkpoint"),
        epochs=temp(directory("<exp>/runs/{model}/seed{seed}/epochs")),
    log:
        "<exp>/logs/finetune/{model}-seed{seed}.log",
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("finetune", 4)
    resources:
        **sized("finetune"),
    params:
        settings=record("runs/{model}/seed{seed}/run.json"),
    message:
        f"Fine-tune {{wildcards.model}} on {SOURCE}, seed {{wildcards.seed}}"
    script:
        "../scripts/finetune.py"


rule evaluate:
    input:
        **tested_epochs("runs/{model}/seed{seed}"),
        checkpoint="<exp>/runs/{model}/seed{seed}/checkpoint",
        run="<exp>/runs/{model}/seed{seed}/run.json",
        tokens=f"<exp>/tokens/{SOURCE}/test/{{model}}.arrow",
    output:
        f"<exp>/predictions/{SOURCE}/{{model}}/seed{{seed}}.parquet",
    log:
        "<exp>/logs/evaluate/{model}-seed{seed}.log",
    wildcard_constraints:
        model=any_of(MODELS if SOURCE in TESTED else []),
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("evaluate", 4)
    resources:
        **sized("evaluate"),
    params:
        dataset=SOURCE,
        settings=record(f"predictions/{SOURCE}/{{model}}/seed{{seed}}.parquet"),
    message:
        "Evaluate {wildcards.model} (seed {wildcards.seed}) on {params.dataset}"
    script:
        "../scripts/evaluate.py"


use rule evaluate as transfer with:
    input:
        checkpoint="<exp>/runs/{model}/seed{seed}/checkpoint",
        run="<exp>/runs/{model}/seed{seed}/run.json",
        tokens="<exp>/tokens/{dataset}/test/{model}.arrow",
    output:
        "<exp>/predictions/{dataset}/{model}/seed{seed}.parquet",
    log:
        "<exp>/logs/transfer/{dataset}-{model}-seed{seed}.log",
    wildcard_constraints:
        dataset=any_of(TRANSFER),
        model=any_of(MODELS),
    threads: SIZES.threads("transfer", 4)
    resources:
        **sized("transfer"),
    params:
        dataset=lambda wildcards: wildcards.dataset,
        settings=record("predictions/{dataset}/{model}/seed{seed}.parquet"),
    message:
        "Transfer {wildcards.model} (seed {wildcards.seed}) to {wildcards.dataset}"


rule fit_baseline:
    input:
        data=f"<exp>/data/{SOURCE}",
        tuned=lambda wildcards: in_exp(TUNING.choice(wildcards.method)),
    output:
        model=directory("<exp>/runs/{method}/seed{seed}/model"),
        run="<exp>/runs/{method}/seed{seed}/run.json",
    log:
        "<exp>/logs/fit_baseline/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(b for b in READING_TEXTS if b not in NETWORKS),
        seed="0",
    conda:
        "../../envs/light.yaml"
    threads: SIZES.threads("fit_baseline", 2)
    resources:
        **sized("fit_baseline"),
    params:
        settings=record("runs/{method}/seed{seed}/run.json"),
    message:
        "Fit the baseline {wildcards.method}"
    script:
        "../scripts/fit_baseline.py"


use rule fit_baseline as train_network with:
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
    threads: SIZES.threads("train_network", 4)
    resources:
        **sized("train_network"),
    message:
        "Train the baseline {wildcards.method}, seed {wildcards.seed}"


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
        method=any_of(READING_TEXTS),
        dataset=any_of(TESTED),
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("predict_baseline", 2)
    resources:
        **sized("predict_baseline"),
    params:
        settings=record("predictions/{dataset}/{method}/seed{seed}.parquet"),
    message:
        "Predict {wildcards.dataset} with {wildcards.method} (seed {wildcards.seed})"
    script:
        "../scripts/predict_baseline.py"


rule speed:
    input:
        models=expand("<exp>/models/{model}", model=TIMED),
        tokens=expand(f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow", model=TIMED),
        baselines=[f"{run}/run.json" for run in TIMED_RUNS],
        learned=[f"{run}/model" for run in TIMED_RUNS],
        data=f"<exp>/data/{SOURCE}",
        tuned=in_exp(sum((TUNING.choice(model, "batch_size") for model in TIMED), [])),
    output:
        "<exp>/speed/rounds.json",
    log:
        "<exp>/logs/speed.log",
    conda:
        "../../envs/torch.yaml"
    threads: max(TIMED_THREADS, workflow.resource_settings.cores or 0)
    resources:
        **sized("speed"),
    params:
        settings=record("speed/rounds.json"),
        threads=TIMED_THREADS,
    message:
        "Time all methods in turn"
    script:
        "../scripts/speed.py"
