"""Pictures: `draw_<figure>(tables…, style, target)` of a module here writes one SVG."""

# figure: the module that draws it
MODULES = {
    "curve": "curve",
    "epochs": "epochs",
    "learning": "learning",
    "methods": "bars",
    "transfer": "bars",
    "published": "beside_published",
    "accuracy_parameters": "scatter",
    "accuracy_time": "scatter",
    "accuracy_inference": "scatter",
    "comparisons": "comparisons",
    "confusion": "confusion",
    "reliability": "small_multiples",
    "lengths": "small_multiples",
    "learning_curve": "learning_curve",
    "tuning": "tuning",
    "tuning_budget": "tuning",
}
