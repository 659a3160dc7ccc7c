"""Predict the test rows: after every epoch on the source, with the kept epoch elsewhere.

Both write one row of logits per example, epoch and seed; every later number comes from these.
"""


rule evaluate:
    input:
        checkpoint="<exp>/runs/{model}/seed{seed}/checkpoint",
        epochs="<exp>/runs/{model}/seed{seed}/epochs",
        run="<exp>/runs/{model}/seed{seed}/run.json",
        tokens=f"<exp>/tokens/{SOURCE}/test/{{model}}.arrow",
    output:
        f"<exp>/predictions/{SOURCE}/{{model}}/seed{{seed}}.parquet",
    log:
        "<exp>/logs/evaluate/{model}-seed{seed}.log",
    conda:
        "../../envs/torch.yaml"
    threads: resource("evaluate", "threads")
    resources:
        gpu=resource("evaluate", "gpu"),
        mem_mb=resource("evaluate", "mem_mb"),
        runtime=resource("evaluate", "runtime"),
    params:
        dataset=SOURCE,
        settings=record(f"predictions/{SOURCE}/{{model}}/seed{{seed}}.parquet"),
    message:
        "Evaluate every epoch of {wildcards.model} (seed {wildcards.seed}) on {params.dataset}"
    script:
        "../scripts/evaluate.py"


rule transfer:
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
    conda:
        "../../envs/torch.yaml"
    threads: resource("transfer", "threads")
    resources:
        gpu=resource("transfer", "gpu"),
        mem_mb=resource("transfer", "mem_mb"),
        runtime=resource("transfer", "runtime"),
    params:
        dataset=lambda wildcards: wildcards.dataset,
        settings=record("predictions/{dataset}/{model}/seed{seed}.parquet"),
    message:
        "Transfer {wildcards.model} (seed {wildcards.seed}) to {wildcards.dataset}"
    script:
        "../scripts/evaluate.py"
