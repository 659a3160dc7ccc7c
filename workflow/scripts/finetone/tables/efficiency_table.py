"""efficiency.csv: what every method costs, and which are on the frontier of score and cost."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.statistics import cost
from finetone.statistics.evaluation import ERRORS
from finetone.statistics.intervals import bounded
from finetone.tables.method_facts import ensembles, kept_rows, run_facts, whole
from finetone.tables.timings import timings

TRANSFORMERS = ("finetune", "probe")  # kinds that use each parameter once per token
COLUMNS = [
    *("method", "parameters", "non_embedding_parameters", *bounded("seconds_per_32")),
    *("ms_per_million_parameters", "train_seconds", "train_seconds_sd", "train_tokens_per_s"),
    *(*bounded("inference_examples_per_s"), *bounded("seconds_per_million_texts")),
    *("reference", *bounded("relative_training"), *bounded("relative_prediction"), "doubtful"),
    *("peak_memory_bytes", "flops_per_token"),
    *("metric", *bounded("score")),
    *("on_frontier_parameters", "on_frontier_train_seconds", "on_frontier_inference"),
]


def table(
    summary: Path,
    runs_json: Sequence[Path],
    speed: Path,
    source: str,
    reference: str,
    confidence: float,
    metric: str,
) -> pd.DataFrame:
    """Cost of every method, one row per method.

    Times of a step and of prediction were measured in turn (`speed`); training seconds and memory
    are those of the runs: of a probe embedding the training rows and fitting; of an ensemble the sum
    over its runs. FLOPs per token are of the forward pass of pretrained models: other methods do not
    use each parameter once per token. A method with an unknown cost is not on the frontier of
    that cost, and excludes no other method from it.

    Parameters
    ----------
    summary
        The table summary.csv.
    runs_json
        Every run.json.
    speed
        The file speed/rounds.json.
    source
        Name of the source dataset.
    reference
        The method that relative times are ratios to.
    confidence
        Level of the intervals of times, in (0, 1).
    metric
        What methods are compared by.
    """
    kept, facts, made_of = kept_rows(summary, source), run_facts(runs_json), ensembles(runs_json)
    times = timings(speed, confidence, reference, made_of)
    found = facts.drop(columns="kind").join(times)
    found["reference"] = reference
    per_token = cost.FLOPS_PER_PARAMETER * facts["non_embedding_parameters"]
    kind = facts["kind"].to_dict()
    reader = {method: kind[made_of[method][0] if method in made_of else method] for method in kind}
    found["flops_per_token"] = per_token.where(facts.index.map(reader).isin(TRANSFORMERS))
    found["metric"] = metric
    for name, end in zip(bounded("score"), ("mean", "low", "high"), strict=True):
        found[name] = kept[f"{metric}_{end}"].reindex(found.index)
    found["ms_per_million_parameters"] = cost.ms_per_million_parameters(
        found["seconds_per_32"].to_numpy(float), found["parameters"].to_numpy(float)
    )
    goodness = found["score"].to_numpy(float) * (-1 if metric in ERRORS else 1)
    for name, of_cost in (
        ("parameters", found["parameters"]),
        ("train_seconds", found["train_seconds"]),
        ("inference", 1 / found["inference_examples_per_s"]),
    ):
        found[f"on_frontier_{name}"] = cost.on_frontier(goodness, of_cost.to_numpy(float))
    return whole(found.reset_index(names="method")[COLUMNS])
