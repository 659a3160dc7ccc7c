"""The models: from the hub, from wheels, from disk or without pretraining (scratch).

One that nobody published is made here: fine-tuned on question answering before sentiment, as the
variant of ERNIE 2.0 in the original study was. It keeps its base model's pooler, and its manifest
says how well it answers (exact match and F1).
"""


rule download_model:
    input:
        unpack(source_of("models/{model}")),
    output:
        directory("<exp>/models/{model}"),
    log:
        "<exp>/logs/download_model/{model}.log",
    wildcard_constraints:
        model=any_of(FROM_ELSEWHERE),
    localrule: True
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=4000,
    params:
        settings=record("models/{model}"),
        block=lambda wildcards: as_param(config["models"][wildcards.model]),
    message:
        "Prepare model {wildcards.model}"
    script:
        "../scripts/download_model.py"


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
        "Prepare questions for {wildcards.model}"
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
    threads: SIZES.threads("intermediate", 4)
    resources:
        **sized("intermediate"),
    params:
        settings=record("models/{model}"),
    message:
        "Fine-tune {input.base} on questions to make {wildcards.model}"
    script:
        "../scripts/intermediate.py"


rule fetch:
    input:
        expand("<exp>/data/{dataset}", dataset=DATASETS),
        expand("<exp>/models/{model}", model=FROM_ELSEWHERE),
        expand("<exp>/questions/{model}", model=INTERMEDIATE),
    localrule: True
    message:
        "Everything that needs the network is here"
