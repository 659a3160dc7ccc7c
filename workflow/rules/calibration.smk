"""Temperature scaling, where the source dataset has a dev split.

Each run predicts the dev rows with the weights it keeps, and one number is fitted on these logits.
Nothing is trained again: both are files of their own, made from a run that is there.
"""


rule predict_dev:
    input:
        checkpoint="<exp>/runs/{model}/seed{seed}/checkpoint",
        run="<exp>/runs/{model}/seed{seed}/run.json",
        tokens=f"<exp>/tokens/{SOURCE}/dev/{{model}}.arrow",
    output:
        "<exp>/dev_predictions/{model}/seed{seed}.parquet",
    log:
        "<exp>/logs/predict_dev/{model}-seed{seed}.log",
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("transfer", 4)
    resources:
        **sized("transfer"),
    params:
        dataset=SOURCE,
        split="dev",
        settings=record("dev_predictions/{model}/seed{seed}.parquet"),
    message:
        "Predict the dev rows with {wildcards.model} (seed {wildcards.seed})"
    script:
        "../scripts/evaluate.py"


rule predict_baseline_dev:
    input:
        model="<exp>/runs/{method}/seed{seed}/model",
        run="<exp>/runs/{method}/seed{seed}/run.json",
        data=f"<exp>/data/{SOURCE}",
    output:
        "<exp>/dev_predictions/{method}/seed{seed}.parquet",
    log:
        "<exp>/logs/predict_baseline_dev/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(READING_TEXTS),
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("predict_baseline", 2)
    resources:
        **sized("predict_baseline"),
    params:
        split="dev",
        settings=record("dev_predictions/{method}/seed{seed}.parquet"),
    message:
        "Predict the dev rows with {wildcards.method} (seed {wildcards.seed})"
    script:
        "../scripts/predict_baseline.py"


use rule predict_baseline_dev as predict_probe_dev with:
    input:
        model="<exp>/runs/{method}/seed{seed}/model",
        run="<exp>/runs/{method}/seed{seed}/run.json",
        data=f"<exp>/data/{SOURCE}",
        embeddings=embedded(SOURCE, "dev"),
    log:
        "<exp>/logs/predict_probe_dev/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(PROBES),
    conda:
        "../../envs/light.yaml"
    resources:
        **sized("predict_baseline"),


rule predict_ensemble_dev:
    input:
        predictions=of_members("<exp>/dev_predictions/{method}/seed{seed}.parquet"),
    output:
        "<exp>/dev_predictions/{method}/seed{seed}.parquet",
    log:
        "<exp>/logs/predict_ensemble_dev/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(ENSEMBLES),
        seed="0",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("dev_predictions/{method}/seed{seed}.parquet"),
    message:
        "Average what the runs of {wildcards.method} say of the dev rows"
    script:
        "../scripts/predict_ensemble.py"


rule fit_temperature:
    input:
        dev="<exp>/dev_predictions/{method}/seed{seed}.parquet",
    output:
        "<exp>/temperatures/{method}/seed{seed}.json",
    log:
        "<exp>/logs/fit_temperature/{method}-seed{seed}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("temperatures/{method}/seed{seed}.json"),
    message:
        "Fit the temperature of {wildcards.method}, seed {wildcards.seed}"
    script:
        "../scripts/fit_temperature.py"
