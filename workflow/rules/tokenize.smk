"""Turn each split into token ids once per model, cut to the length all methods share."""


rule tokenize:
    input:
        data="<exp>/data/{dataset}",
        model="<exp>/models/{model}",
    output:
        "<exp>/tokens/{dataset}/{split}/{model}.arrow",
    log:
        "<exp>/logs/tokenize/{dataset}-{split}-{model}.log",
    conda:
        "../../envs/torch.yaml"
    threads: resource("tokenize", "threads")
    resources:
        mem_mb=resource("tokenize", "mem_mb"),
        runtime=resource("tokenize", "runtime"),
    params:
        settings=record("tokens/{dataset}/{split}/{model}.arrow"),
    message:
        "Tokenize {wildcards.split} of {wildcards.dataset} for {wildcards.model}"
    script:
        "../scripts/tokenize_split.py"
