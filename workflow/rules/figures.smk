"""Figures: one job and one SVG file each; any of them can be requested by name.

A figure needs tables or histories only, so with those present it costs one light job.
"""

HISTORY = "<exp>/runs/{model}/seed{seed}/history.parquet"
RANKING, EFFICIENCY = "<exp>/tables/ranking.csv", "<exp>/tables/efficiency.csv"
COST = {"efficiency": EFFICIENCY, "ranking": RANKING}
SHOWS_SOURCE = {"dataset": SOURCE} | style_of(METHODS, [SOURCE])
SEVERAL_EPOCHS = [m for m in MODELS if EXPERIMENT.recipes[m]["epochs"] > 1] or METHODS

# figure: (label in the report, inputs, settings)
FIGURE_SPECS = {
    "epochs": (
        "Accuracy and loss after every epoch",
        {"summary": SUMMARY},
        SHOWS_SOURCE | style_of(SEVERAL_EPOCHS, [SOURCE]),
    ),
    "methods": (
        "All methods",
        {"ranking": RANKING, "runs": RUNS, "variance": "<exp>/tables/variance.csv"},
        SHOWS_SOURCE,
    ),
    "learning": (
        "Training and test accuracy and loss",
        {"histories": HISTORIES, "summary": SUMMARY},
        {"dataset": SOURCE} | style_of(MODELS, [SOURCE]),
    ),
    "accuracy-parameters": ("Accuracy against parameters", COST, SHOWS_SOURCE),
    "accuracy-time": ("Accuracy against training time", COST, SHOWS_SOURCE),
    "accuracy-inference": ("Accuracy against prediction time", COST, SHOWS_SOURCE),
    "comparisons": (
        "Pairwise comparisons",
        {"comparisons": "<exp>/tables/comparisons.csv", "ranking": RANKING},
        SHOWS_SOURCE | {"confidence": config["compare"]["confidence"]},
    ),
    "reliability": (
        "Confidence against accuracy",
        {"reliability": "<exp>/tables/reliability.csv"},
        SHOWS_SOURCE,
    ),
    "confusion": (
        "Confusion matrices",
        {"confusion": "<exp>/tables/confusion.csv"},
        SHOWS_SOURCE,
    ),
    "lengths": (
        "Accuracy by length of the text",
        {"slices": "<exp>/tables/slices.csv"},
        SHOWS_SOURCE,
    ),
    "transfer": (
        "Target accuracy on other domains",
        {"transfer": "<exp>/tables/transfer.csv"},
        {"source": SOURCE} | style_of(METHODS, DATASETS),
    ),
}
if TUNING:
    FIGURE_SPECS |= {
        "tuning": (
            "The dev score of every trial",
            {"tuning": "<exp>/tables/tuning.csv"},
            SHOWS_SOURCE,
        ),
        "tuning-budget": (
            "The best of so many trials",
            {"tuning_budget": "<exp>/tables/tuning_budget.csv"},
            SHOWS_SOURCE,
        ),
    }
if CURVE:
    FIGURE_SPECS["learning-curve"] = (
        "Scores by number of training rows",
        {
            "learning_curve": "<exp>/tables/learning_curve.csv",
            "learning_curve_fit": "<exp>/tables/learning_curve_fit.csv",
        },
        {"dataset": SOURCE} | style_of(CURVE["methods"], [SOURCE]),
    )
for figure, wanted in {"transfer": TRANSFER, "learning": MODELS}.items():
    if not wanted:
        del FIGURE_SPECS[figure]
if PUBLISHED:
    FIGURE_SPECS["published"] = (
        "Published against ours",
        {"side_by_side": "<exp>/tables/side_by_side.csv"},
        style_of(METHODS, []),
    )
FIGURES = expand("<exp>/figures/curves/{model}.svg", model=MODELS)
FIGURES += expand("<exp>/figures/{figure}.svg", figure=FIGURE_SPECS)
for model in MODELS:
    add(
        f"figures/curves/{model}.svg",
        {"method": model} | style_of([model], []),
        {"histories": runs_of(HISTORY, [model])},
    )


rule draw_curve:
    input:
        histories=lambda wildcards: runs_of(HISTORY, [wildcards.model]),
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
    localrule: True
    conda:
        "../../envs/light.yaml"
    params:
        figure="curve",
        settings=record("figures/curves/{model}.svg"),
    message:
        "Figure: training curve of {wildcards.model}"
    script:
        "../scripts/draw.py"


for figure, (label, inputs, settings) in FIGURE_SPECS.items():
    function = figure.replace("-", "_")
    add(f"figures/{figure}.svg", settings, inputs)

    rule:
        name:
            f"draw_{function}"
        input:
            **inputs,
        output:
            report(
                f"<exp>/figures/{figure}.svg",
                caption=f"../report/{function}.rst",
                category="Figures",
                labels={"figure": label},
            ),
        log:
            f"<exp>/logs/figures/{figure}.log",
        localrule: True
        conda:
            "../../envs/light.yaml"
        params:
            figure=function,
            settings=record(f"figures/{figure}.svg"),
        message:
            f"Figure: {label[0].lower()}{label[1:]}"
        script:
            "../scripts/draw.py"
