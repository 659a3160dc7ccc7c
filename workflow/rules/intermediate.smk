"""Make the models that nobody published: fine-tuned on question answering before sentiment.

The report used one such variant of ERNIE 2.0. It is re-created from the base model, which keeps
its own pooler, and says in its manifest how well it answers (exact match and F1).
"""


rule download_questions:
    output:
        directory("<exp>/questions/{model}"),
    log:
        "<exp>/logs/download_questions/{model}.log",
    wildcard_constraints:
        model=any_of(INTERMEDIATE),
    localrule: True
    conda:
        "../../envs/torch.yaml"
    params:
        settings=record("questions/{model}"),
        source=lambda wildcards: as_param(config["models"][wildcards.model]["intermediate"]["hub"]),
    message:
        "Obtain the questions for {wildcards.model}"
    script:
        "../scripts/download_questions.py"


rule intermediate:
    input:
        questions="<exp>/questions/{model}",
        base=lambda wildcards: "<exp>/models/"
        f"{config['models'][wildcards.model]['intermediate']['from']}",
    output:
        directory("<exp>/models/{model}"),
    log:
        "<exp>/logs/intermediate/{model}.log",
    wildcard_constraints:
        model=any_of(INTERMEDIATE),
    conda:
        "../../envs/torch.yaml"
    threads: resource("intermediate", "threads")
    resources:
        gpu=resource("intermediate", "gpu"),
        mem_mb=resource("intermediate", "mem_mb"),
        runtime=resource("intermediate", "runtime"),
    params:
        settings=record("models/{model}"),
    message:
        "Fine-tune {input.base} on questions to make {wildcards.model}"
    script:
        "../scripts/intermediate.py"
