"""One picture, one job, one file: any of them can be asked for by name.

A picture needs tables or histories only, so with those present it costs one light job.
"""


localrules:
    draw_curve,
    draw_epochs,
    draw_methods,
    draw_accuracy_parameters,
    draw_accuracy_time,
    draw_accuracy_inference,
    draw_comparisons,
    draw_reliability,
    draw_lengths,
    draw_transfer,


FIGURES = [
    *expand("<exp>/figures/curves/{model}.svg", model=MODELS),
    *expand(
        "<exp>/figures/{figure}.svg",
        figure=[
            "epochs",
            "methods",
            "accuracy-parameters",
            "accuracy-time",
            "accuracy-inference",
            "comparisons",
            "reliability",
            "lengths",
            *(["transfer"] if TRANSFER else []),
            *(["published"] if PUBLISHED else []),
        ],
    ),
]


rule draw_curve:
    input:
        histories=lambda wildcards: runs_of(
            "<exp>/runs/{model}/seed{seed}/history.parquet", [wildcards.model]
        ),
    output:
        report(
            "<exp>/figures/curves/{model}.svg",
            caption="../report/curves.rst",
            category="Figures",
            subcategory="Training curves",
            labels={"figure": "Training curve", "model": "{model}"},
        ),
    log:
        "<exp>/logs/figures/curve-{model}.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="curve",
        figure="curve",
        method=lambda wildcards: wildcards.model,
        style=lambda wildcards: style([wildcards.model], []),
    message:
        "Figure: training curve of {wildcards.model}"
    script:
        "../scripts/draw.py"


rule draw_epochs:
    input:
        summary="<exp>/tables/summary.csv",
    output:
        report(
            "<exp>/figures/epochs.svg",
            caption="../report/epochs.rst",
            category="Figures",
            labels={"figure": "Accuracy and loss after every epoch"},
        ),
    log:
        "<exp>/logs/figures/epochs.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="epochs",
        figure="epochs",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: accuracy and loss after every epoch"
    script:
        "../scripts/draw.py"


rule draw_methods:
    input:
        ranking="<exp>/tables/ranking.csv",
    output:
        report(
            "<exp>/figures/methods.svg",
            caption="../report/methods.rst",
            category="Figures",
            labels={"figure": "All methods side by side"},
        ),
    log:
        "<exp>/logs/figures/methods.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="bars",
        figure="methods",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: all methods side by side"
    script:
        "../scripts/draw.py"


rule draw_accuracy_parameters:
    input:
        efficiency="<exp>/tables/efficiency.csv",
        ranking="<exp>/tables/ranking.csv",
    output:
        report(
            "<exp>/figures/accuracy-parameters.svg",
            caption="../report/accuracy_parameters.rst",
            category="Figures",
            labels={"figure": "Accuracy against parameters"},
        ),
    log:
        "<exp>/logs/figures/accuracy-parameters.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="scatter",
        figure="accuracy_parameters",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: accuracy against parameters"
    script:
        "../scripts/draw.py"


rule draw_accuracy_time:
    input:
        efficiency="<exp>/tables/efficiency.csv",
        ranking="<exp>/tables/ranking.csv",
    output:
        report(
            "<exp>/figures/accuracy-time.svg",
            caption="../report/accuracy_time.rst",
            category="Figures",
            labels={"figure": "Accuracy against training time"},
        ),
    log:
        "<exp>/logs/figures/accuracy-time.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="scatter",
        figure="accuracy_time",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: accuracy against training time"
    script:
        "../scripts/draw.py"


rule draw_accuracy_inference:
    input:
        efficiency="<exp>/tables/efficiency.csv",
        ranking="<exp>/tables/ranking.csv",
    output:
        report(
            "<exp>/figures/accuracy-inference.svg",
            caption="../report/accuracy_inference.rst",
            category="Figures",
            labels={"figure": "Accuracy against prediction time"},
        ),
    log:
        "<exp>/logs/figures/accuracy-inference.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="scatter",
        figure="accuracy_inference",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: accuracy against prediction time"
    script:
        "../scripts/draw.py"


rule draw_comparisons:
    input:
        comparisons="<exp>/tables/comparisons.csv",
        ranking="<exp>/tables/ranking.csv",
    output:
        report(
            "<exp>/figures/comparisons.svg",
            caption="../report/comparisons.rst",
            category="Figures",
            labels={"figure": "Every pair of methods"},
        ),
    log:
        "<exp>/logs/figures/comparisons.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="comparisons",
        figure="comparisons",
        dataset=SOURCE,
        confidence=config["compare"]["confidence"],
        style=lambda wildcards: style(),
    message:
        "Figure: every pair of methods"
    script:
        "../scripts/draw.py"


rule draw_reliability:
    input:
        reliability="<exp>/tables/reliability.csv",
    output:
        report(
            "<exp>/figures/reliability.svg",
            caption="../report/reliability.rst",
            category="Figures",
            labels={"figure": "Confidence against accuracy"},
        ),
    log:
        "<exp>/logs/figures/reliability.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="panels",
        figure="reliability",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: confidence against accuracy"
    script:
        "../scripts/draw.py"


rule draw_lengths:
    input:
        slices="<exp>/tables/slices.csv",
    output:
        report(
            "<exp>/figures/lengths.svg",
            caption="../report/lengths.rst",
            category="Figures",
            labels={"figure": "Accuracy by length of the text"},
        ),
    log:
        "<exp>/logs/figures/lengths.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="panels",
        figure="lengths",
        dataset=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: accuracy by length of the text"
    script:
        "../scripts/draw.py"


rule draw_transfer:
    input:
        transfer="<exp>/tables/transfer.csv",
    output:
        report(
            "<exp>/figures/transfer.svg",
            caption="../report/transfer.rst",
            category="Figures",
            labels={"figure": "Accuracy lost on other datasets"},
        ),
    log:
        "<exp>/logs/figures/transfer.log",
    conda:
        "../../envs/light.yaml"
    params:
        module="bars",
        figure="transfer",
        source=SOURCE,
        style=lambda wildcards: style(),
    message:
        "Figure: accuracy lost on other datasets"
    script:
        "../scripts/draw.py"
