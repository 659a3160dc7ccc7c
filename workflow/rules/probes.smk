"""Probes: what a frozen model makes of the texts, and logistic regression on it.

A model embeds each split once, for all probes that read with it, in the way in which fine-tuned
models predict. Fitting and predicting are then light jobs. The strength of the penalty is chosen by
cross-validation on the training rows alone, so a probe has no other run to have than this one.
"""


rule embed:
    input:
        model="<exp>/models/{model}",
        tokens="<exp>/tokens/{dataset}/{split}/{model}.arrow",
    output:
        "<exp>/embeddings/{dataset}/{split}/{model}/{pooling}.arrow",
    log:
        "<exp>/logs/embed/{dataset}-{split}-{model}-{pooling}.log",
    wildcard_constraints:
        pooling="auto|mean|first|last",
    priority: 1  # a model that cannot embed is refused here, which is cheaper than after training
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("embed", 4)
    resources:
        **sized("embed"),
    params:
        settings=record("embeddings/{dataset}/{split}/{model}/{pooling}.arrow"),
    message:
        "Embed {wildcards.split} of {wildcards.dataset} with {wildcards.model} as it is"
    script:
        "../scripts/embed.py"


use rule fit_baseline as fit_probe with:
    input:
        data=f"<exp>/data/{SOURCE}",
        embeddings=embedded(SOURCE, "train"),
        encoder=lambda wildcards: f"<exp>/models/{EXPERIMENT.probes[wildcards.method]['model']}",
    log:
        "<exp>/logs/fit_probe/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(PROBES),
        seed="0",
    message:
        "Fit the probe {wildcards.method}"


use rule predict_baseline as predict_probe with:
    input:
        model="<exp>/runs/{method}/seed{seed}/model",
        run="<exp>/runs/{method}/seed{seed}/run.json",
        data="<exp>/data/{dataset}",
        embeddings=embedded("{dataset}", "test"),
    log:
        "<exp>/logs/predict_probe/{dataset}-{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(PROBES),
        dataset=any_of(TESTED),
    conda:
        "../../envs/light.yaml"
    resources:
        **sized("predict_baseline"),
