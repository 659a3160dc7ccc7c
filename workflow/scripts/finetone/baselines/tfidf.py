"""TF-IDF over word n-grams and logistic regression: the strong linear method (Wang & Manning 2012).

Term frequencies are damped to 1 + log tf. What was learned is kept as a list of terms and arrays
of numbers, and scikit-learn's own vectorizer is rebuilt from them; nothing is pickled. A text is
read in full: to a bag of words, position and length are nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from finetone import files
from finetone.baselines.baseline import Learned, Predictor, Task
from finetone.errors import UserError
from finetone.log import logger

TERMS = "terms.json"
NUMBERS = "numbers.npz"


class TfIdf:
    """Logistic regression by L-BFGS, which draws nothing at random."""

    libraries = ("scikit-learn", "scipy")

    @classmethod
    def fit(cls, task: Task, folder: Path) -> Learned:
        ngrams, min_count = task.settings["ngrams"], task.settings["min_count"]
        vectorizer = _vectorizer(ngrams, min_df=min_count)
        present = np.unique(task.labels)
        if len(present) < 2:
            raise UserError(
                f"{task.config_key}: every training row is {task.names[present[0]]!r}; logistic "
                "regression needs rows of two classes"
            )
        try:
            features = vectorizer.fit_transform(task.texts)
        except ValueError:  # scikit-learn: empty vocabulary, or min_df > number of texts
            raise UserError(
                f"{task.config_key}.min_count: no word is in {min_count} of the "
                f"{len(task.texts)} training texts; lower min_count or add training rows"
            ) from None
        # a tight tolerance, so that rounding decides no prediction
        model = LogisticRegression(C=task.settings["C"], solver="lbfgs", tol=1e-6, max_iter=5000)
        with threadpool_limits(task.threads):
            model.fit(features, task.labels)
        if max(model.n_iter_) >= model.max_iter:
            logger.warning("%s: logistic regression has not converged; lower C", task.config_key)
        coefficients, intercepts = model.coef_, model.intercept_
        if len(present) == 2:  # scikit-learn keeps one row, the second class's log odds
            coefficients = np.concatenate([-coefficients, coefficients]) / 2
            intercepts = np.concatenate([-intercepts, intercepts]) / 2
        terms = np.array(vectorizer.get_feature_names_out())
        files.write_json(folder / TERMS, {"terms": terms.tolist()})
        np.savez_compressed(
            folder / NUMBERS,
            idf=vectorizer.idf_,
            coefficients=coefficients,
            intercepts=intercepts,
            present=present,
        )
        learned = vectorizer.idf_.size + model.coef_.size + model.intercept_.size
        facts = {"ngrams": ngrams, "classes": len(task.names), "rows": len(task.texts)}
        return Learned(facts, int(learned))

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any], threads: int) -> Predictor:
        """Load the classifier.

        A class without a training row gets the lowest logit of the text less log 2n, as if half a
        row of n had been seen: never chosen, yet of finite loss.
        """
        with np.load(folder / NUMBERS, allow_pickle=False) as stored:
            numbers = {name: stored[name] for name in stored.files}
        terms = files.read_json(folder / TERMS)["terms"]
        vectorizer = _vectorizer(facts["ngrams"], vocabulary=terms)
        vectorizer.idf_ = numbers["idf"]
        absent = float(np.log(2 * facts["rows"]))

        def logits(texts: Sequence[str]) -> npt.NDArray[np.float32]:
            scores = vectorizer.transform(texts) @ numbers["coefficients"].T
            scores += numbers["intercepts"]
            every = np.repeat(scores.min(axis=1, keepdims=True) - absent, facts["classes"], axis=1)
            every[:, numbers["present"]] = scores
            return every.astype(np.float32)

        return logits


def _vectorizer(ngrams: int, **settings: Any) -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, ngrams),
        token_pattern=r"\b\w+\b",  # one-letter words too: "I", "a", and the digit of "8/10"
        sublinear_tf=True,
        **settings,
    )
