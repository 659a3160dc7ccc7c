"""What tests of claims read, whoever measured it."""

from collections.abc import Mapping
from typing import Any, Protocol

from finetone.claims.estimate import Estimate, Missing
from finetone.claims.phrases import phrase
from finetone.statistics.evaluation import SCORES

RUN_METRICS = SCORES
"""Columns of runs.csv: one value per seed."""
TIMINGS = (
    *("seconds_per_32", "ms_per_million_parameters", "train_seconds", "train_tokens_per_s"),
    *("inference_examples_per_s", "seconds_per_million_texts", "peak_memory_bytes"),
)
"""Columns of efficiency.csv that are measured."""
COUNTS = ("parameters", "non_embedding_parameters")
"""Columns of efficiency.csv that are exact."""
TOKENIZER_METRICS = ("tokens_per_word", "vocabulary_coverage", "unknown_rate", "truncated")
"""Columns of tokenizers.csv: measured over the whole training text, so taken as exact."""
CURVES = ("final_training_accuracy", "area_under_curve", "examples_to_target")
"""Columns of convergence.csv."""
METRICS = (*RUN_METRICS, "drop", *CURVES, *TIMINGS, *COUNTS, *TOKENIZER_METRICS, "flops_per_token")

Terms = Mapping[tuple[str, int | str, str | None], float]
"""{(method, epoch or "kept", dataset or None for the source): weight}"""


class Facts(Protocol):
    """Numbers that claims are tested by: ours (`OurFacts`), or the publication's own."""

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """Group facts by method."""

    def estimate(self, metric: str, terms: Terms) -> Estimate:
        """Weighted sum of a metric (`METRICS`, or `group.<fact>`).

        Raises
        ------
        Missing
            It is not known.
        """

    def epochs(self, method: str) -> list[int]:
        """Epochs of a method on the source dataset, ascending."""


def select(groups: Mapping[str, Mapping[str, Any]], selection: Mapping[str, Any]) -> list[str]:
    """Methods that are named by `method` or `methods`, or have all facts in `group`.

    Raises
    ------
    Missing
        No method has these facts.
    """
    if "method" in selection:
        return [selection["method"]]
    if "methods" in selection:
        return list(selection["methods"])
    wanted = selection["group"]
    found = [
        method
        for method, facts in groups.items()
        # 1 == True in Python, but `layers: 1` must not match `layers: true`
        if all(
            k in facts and facts[k] == v and isinstance(facts[k], bool) == isinstance(v, bool)
            for k, v in wanted.items()
        )
    ]
    found = [method for method in found if method not in selection.get("except", [])]
    if not found:
        raise Missing(phrase("no_method", facts=[f"{key}: {v}" for key, v in wanted.items()]))
    return found


def group_fact(groups: Mapping[str, Mapping[str, Any]], fact: str, method: str) -> float:
    """A numeric fact about a method.

    Raises
    ------
    Missing
        There is none, or it is no number.
    """
    value = groups.get(method, {}).get(fact)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Missing(phrase("no_fact", fact=fact, method=method))
    return float(value)
