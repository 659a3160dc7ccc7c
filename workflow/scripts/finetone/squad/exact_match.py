"""Exact match and F1 of SQuAD v1.1 (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1)."""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(answer: str) -> str:
    """Lower case without punctuation, articles and extra white space, as in the official script.

    >>> normalise("The  Eiffel-Tower!")
    'eiffeltower'
    """
    return " ".join(ARTICLES.sub(" ", answer.lower().translate(PUNCTUATION)).split())


def exact_match(prediction: str, answers: Sequence[str]) -> bool:
    """Whether `prediction` equals one of `answers` after normalisation."""
    return normalise(prediction) in map(normalise, answers)


def f1(prediction: str, answers: Sequence[str]) -> float:
    """F1 of the words, counted with repetition, against the answer for which it is highest."""
    return max(_f1(normalise(prediction).split(), normalise(a).split()) for a in answers)


def _f1(prediction: list[str], answer: list[str]) -> float:
    common = (Counter(prediction) & Counter(answer)).total()
    # with no common word the official script gives 0, even to two answers that normalise to nothing
    return 2 * common / (len(prediction) + len(answer)) if common else 0.0


def score(predictions: Mapping[str, str], answers: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Means over all questions of `answers`, in [0, 1]; a question without prediction scores 0."""
    pairs = [(predictions.get(id, ""), golds) for id, golds in answers.items()]
    return {
        "exact_match": sum(exact_match(p, a) for p, a in pairs) / len(pairs),
        "f1": sum(f1(p, a) for p, a in pairs) / len(pairs),
    }
