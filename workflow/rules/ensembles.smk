"""Ensembles: the mean over seeds of what the runs of one method say.

Nothing is trained or predicted for them. What they cost is the sum over their runs.
"""


rule gather_ensemble:
    input:
        runs=of_members("<exp>/runs/{method}/seed{seed}/run.json"),
    output:
        run="<exp>/runs/{method}/seed{seed}/run.json",
    log:
        "<exp>/logs/gather_ensemble/{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(ENSEMBLES),
        seed="0",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("runs/{method}/seed{seed}/run.json"),
    message:
        "Add up what the ensemble {wildcards.method} costs"
    script:
        "../scripts/gather_ensemble.py"


rule predict_ensemble:
    input:
        predictions=of_members("<exp>/predictions/{dataset}/{method}/seed{seed}.parquet"),
    output:
        "<exp>/predictions/{dataset}/{method}/seed{seed}.parquet",
    log:
        "<exp>/logs/predict_ensemble/{dataset}-{method}-seed{seed}.log",
    wildcard_constraints:
        method=any_of(ENSEMBLES),
        seed="0",
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        settings=record("predictions/{dataset}/{method}/seed{seed}.parquet"),
    message:
        "Average what the runs of {wildcards.method} say of {wildcards.dataset}"
    script:
        "../scripts/predict_ensemble.py"
