"""Fine-tune every model on the source dataset, once per seed.

The recipe is the report's unless the configuration differs: AdamW at 2e-5, constant rate, three
epochs. Every step is recorded. The kept epoch becomes `checkpoint/`; the others live only until
they are evaluated. A killed job resumes from its saved state, which lies outside the outputs
because Snakemake removes those before a job starts.
"""


rule finetune:
    input:
        model="<exp>/models/{model}",
        train=f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow",
        dev=[f"<exp>/tokens/{SOURCE}/dev/{{model}}.arrow"] if HAS_DEV else [],
    output:
        history="<exp>/runs/{model}/seed{seed}/history.parquet",
        run="<exp>/runs/{model}/seed{seed}/run.json",
        checkpoint=directory("<exp>/runs/{model}/seed{seed}/checkpoint"),
        epochs=temp(directory("<exp>/runs/{model}/seed{seed}/epochs")),
    log:
        "<exp>/logs/finetune/{model}-seed{seed}.log",
    conda:
        "../../envs/torch.yaml"
    threads: resource("finetune", "threads")
    resources:
        gpu=resource("finetune", "gpu"),
        mem_mb=resource("finetune", "mem_mb"),
        runtime=resource("finetune", "runtime"),
    params:
        settings=record("runs/{model}/seed{seed}/run.json"),
    message:
        f"Fine-tune {{wildcards.model}} on {SOURCE}, seed {{wildcards.seed}}"
    script:
        "../scripts/finetune.py"
