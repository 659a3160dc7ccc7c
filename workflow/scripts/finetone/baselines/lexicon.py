"""VADER, a lexicon with rules (Hutto & Gilbert, ICWSM 2014): nothing is learned from the data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone.baselines.baseline import Learned, Predictor, Task
from finetone.errors import UserError

LEAST = 1e-6  # far below the 1e-4 steps of a compound score, yet visible in a float32 probability


class Lexicon:
    """A text is positive from a compound score of `threshold` on.

    It is read in full, not cut to max_length: the rules are cheap, and cutting would make it
    another method than the published one.
    """

    libraries = ("vaderSentiment",)

    @classmethod
    def fit(cls, task: Task, folder: Path) -> Learned:
        if len(task.names) != 2:
            raise UserError(
                f"{task.config_key}.kind: lexicon knows two classes (the second is the "
                f"positive one), but the source dataset has {len(task.names)}: "
                f"{', '.join(task.names)}; remove this baseline"
            )
        return Learned({"threshold": task.settings["threshold"]}, 0)

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any], threads: int) -> Predictor:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        analyzer = SentimentIntensityAnalyzer()

        def logits(texts: Sequence[str]) -> npt.NDArray[np.float32]:
            compound = [analyzer.polarity_scores(text)["compound"] for text in texts]
            return to_logits(np.array(compound, dtype=np.float64), facts["threshold"])

        return logits


def to_logits(compound: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.float32]:
    """Logits (-m, m) [n, 2] of compound scores [n] in [-1, 1], with m = compound - threshold.

    The larger one is exactly the published rule, the threshold itself counting as positive. Their
    softmax, (1 + tanh m) / 2, grows with the score and never claims certainty (0.88 for score 1 at
    threshold 0); it is monotone, not calibrated, for that would need training rows.
    """
    margin = compound - threshold
    margin = np.where(compound >= threshold, np.maximum(margin, LEAST), np.minimum(margin, -LEAST))
    return np.stack([-margin, margin], axis=1).astype(np.float32)
