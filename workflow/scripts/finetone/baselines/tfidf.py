"""TF-IDF over word n-grams and logistic regression: the strong linear method (Wang & Manning 2012).

Term frequencies are damped to 1 + log tf. What was learned is kept as a list of terms and arrays
of numbers, and scikit-learn's own vectorizer is rebuilt from them; nothing is pickled. A text is
read in full: to a bag of words, position and length are nothing.
"""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from finetone import files
from finetone.baselines import logistic
from finetone.baselines.baseline import Learned, Predictor, Task
from finetone.baselines.logistic import Linear
from finetone.errors import UserError

TERMS = "terms.json"
NUMBERS = "numbers.npz"


class TfIdf:
    """Logistic regression by L-BFGS, which draws nothing at random."""

    libraries = ("scikit-learn", "scipy")

    @classmethod
    def fit(cls, task: Task, folder: Path) -> Learned:
        ngrams, min_count = task.settings["ngrams"], task.settings["min_count"]
        vectorizer = _vectorizer(ngrams, min_df=min_count)
        logistic.require_two_classes(task.labels, task.names, task.config_key)
        try:
            features = vectorizer.fit_transform(task.texts)
        except ValueError:  # scikit-learn: empty vocabulary, or min_df > number of texts
            raise UserError(
                f"{task.config_key}.min_count: no word is in {min_count} of the "
                f"{len(task.texts)} training texts; lower min_count or add training rows"
            ) from None
        classes, C = len(task.names), task.settings["C"]
        linear = logistic.fit(
            features, task.labels, classes, C, task.threads, task.config_key, **logistic.loss(task)
        )
        terms = np.array(vectorizer.get_feature_names_out())
        files.write_json(folder / TERMS, {"terms": terms.tolist()})
        np.savez_compressed(folder / NUMBERS, idf=vectorizer.idf_, **linear.arrays)
        learned = vectorizer.idf_.size + linear.numbers
        facts = {"ngrams": ngrams, "classes": classes, "rows": len(task.texts)}
        return Learned(facts, int(learned))

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any], threads: int) -> Predictor:
        with np.load(folder / NUMBERS, allow_pickle=False) as stored:
            numbers = {name: stored[name] for name in stored.files}
        terms = files.read_json(folder / TERMS)["terms"]
        vectorizer = _vectorizer(facts["ngrams"], vocabulary=terms)
        vectorizer.idf_ = numbers["idf"]
        linear = Linear.of(numbers, facts["classes"], facts["rows"])
        return lambda texts: linear.logits(vectorizer.transform(texts))


def _vectorizer(ngrams: int, **settings: Any) -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, ngrams),
        token_pattern=r"\b\w+\b",  # one-letter words too: "I", "a", and the digit of "8/10"
        sublinear_tf=True,
        **settings,
    )
