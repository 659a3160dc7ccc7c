"""Tuning: every method tries as many settings as every other, on the dev split, before the seeds run.

A trial is a training with one setting and the seed of `tune:`. It leaves its scores on the dev
split and nothing else: no weights, no predictions, no second copy of data or model. The best setting
is written to `tuning/<method>.json`, from which the trainings read it: what it is, is known only
then. With successive halving a trial is trained in stages, one job each, and after each stage a
decision says whether it goes on; its saved state is the only thing that is kept between them.

One value more to try is one training more for each method. What was trained at the setting that was
the best before is trained again only if it is not the best any more.
"""


wildcard_constraints:
    trial=r"[\w.+-]+",
    epoch=r"\d+",


rule try_model:
    input:
        model="<exp>/models/{model}",
        train=f"<exp>/tokens/{SOURCE}/train/{{model}}.arrow",
        dev=f"<exp>/tokens/{SOURCE}/dev/{{model}}.arrow",
        rows=expand("<exp>/subsets/{subset}.parquet", subset=TUNING.subsets),
        before=lambda w: in_exp(TUNING.before(w.model, w.trial, int(w.epoch))[0]),
        promoted=lambda w: in_exp(TUNING.before(w.model, w.trial, int(w.epoch))[1]),
    output:
        "<exp>/tuning/{model}/{trial}/epoch{epoch}.json",
    log:
        "<exp>/logs/tuning/{model}-{trial}-epoch{epoch}.log",
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("finetune", 4)
    resources:
        **sized("finetune"),
    params:
        settings=record("tuning/{model}/{trial}/epoch{epoch}.json"),
    message:
        "Try {wildcards.model} with {wildcards.trial}, up to epoch {wildcards.epoch}"
    script:
        "../scripts/try_setting.py"


rule try_baseline:
    input:
        data=f"<exp>/data/{SOURCE}",
        rows=expand("<exp>/subsets/{subset}.parquet", subset=TUNING.subsets),
        before=lambda w: in_exp(TUNING.before(w.method, w.trial, int(w.epoch))[0]),
        promoted=lambda w: in_exp(TUNING.before(w.method, w.trial, int(w.epoch))[1]),
    output:
        "<exp>/tuning/{method}/{trial}/epoch{epoch}.json",
    log:
        "<exp>/logs/tuning/{method}-{trial}-epoch{epoch}.log",
    wildcard_constraints:
        method=any_of(b for b in TUNING.settings if b in BASELINES and b not in NETWORKS),
    conda:
        "../../envs/light.yaml"
    threads: SIZES.threads("fit_baseline", 2)
    resources:
        **sized("fit_baseline"),
    params:
        settings=record("tuning/{method}/{trial}/epoch{epoch}.json"),
    message:
        "Try {wildcards.method} with {wildcards.trial}"
    script:
        "../scripts/try_setting.py"


use rule try_baseline as try_network with:
    wildcard_constraints:
        method=any_of(NETWORKS),
    conda:
        "../../envs/torch.yaml"
    threads: SIZES.threads("train_network", 4)
    resources:
        **sized("train_network"),
    message:
        "Try {wildcards.method} with {wildcards.trial}, up to epoch {wildcards.epoch}"


rule promote_trial:
    input:
        trials=lambda w: in_exp(TUNING.trials(w.method, int(w.epoch))),
    output:
        "<exp>/tuning/{method}/{trial}/promoted{epoch}.json",
    log:
        "<exp>/logs/tuning/{method}-{trial}-promoted{epoch}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("tuning/{method}/{trial}/promoted{epoch}.json"),
    message:
        "Decide whether {wildcards.method} with {wildcards.trial} goes on after epoch {wildcards.epoch}"
    script:
        "../scripts/decide.py"


rule choose_setting:
    input:
        trials=lambda w: in_exp(TUNING.trials(w.method)),
    output:
        "<exp>/tuning/{method}.json",
    log:
        "<exp>/logs/tuning/{method}.log",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("tuning/{method}.json"),
    message:
        "Choose the setting of {wildcards.method}"
    script:
        "../scripts/decide.py"
