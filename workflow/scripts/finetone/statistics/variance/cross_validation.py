"""The variance of a mean over cross-validated rows.

Every row is tested once, but the models of two folds share training rows, so that their errors are
correlated, and the rows are not worth as many independent ones. No estimator of that variance is
unbiased (Bengio & Grandvalet 2004). Nadeau & Bengio (2003) take the correlation of two folds' scores
to be the share of rows that a fold tests; with the variance S² of the scores of J folds, n₂ rows
tested and n₁ trained on, the mean then has the variance

    (1 / J + n₂ / n₁) S²        in K folds 1 + K / (K - 1) times S² / K

and Bouckaert & Frank (2004) do so for repeated cross-validation, J = R K. With K folds S² has K - 1
degrees of freedom; the variance over rows, v = var / n, estimates S² / K with n - 1 of them where the
folds' models are equally good. So S² is moderated, as variances over seeds are (`moderation`): averaged
with v, which counts as much as PRIOR degrees of freedom, and half of what S² is larger by is added.
Seeds vary from fold to fold, so S² holds what they add.

Repeats are averaged row by row first, and v is that of the mean: by 1 / J alone, ten repeats would be
worth more than they are, for they have the same rows (docs/statistics.md has the simulation).
"""

from dataclasses import dataclass

import numpy as np

from finetone.statistics.metrics import Bools, Floats, Ints
from finetone.statistics.variance.moderation import KEPT, PRIOR


def variance_factor(folds: int) -> float:
    """By which the variance over rows is at least too small in so many folds."""
    return 1 + folds / (folds - 1)


@dataclass(frozen=True)
class Folds:
    """Which fold tested a row.

    Attributes
    ----------
    number
        K, how many there are.
    of_rows
        [R, n] fold of each row in each repeat, from 1.
    repeats
        {method: place in `of_rows` of each of its runs}.
    """

    number: int
    of_rows: Ints
    repeats: dict[str, list[int]]

    @property
    def factor(self) -> float:
        """By which the variance over rows is at least too small."""
        return variance_factor(self.number)

    def chosen(self, rows: Bools) -> "Folds":
        """The same for some rows [n]."""
        return Folds(self.number, self.of_rows[:, rows], self.repeats)

    def by_repeat(self, method: str, block: Floats) -> Floats:
        """[R, n] mean over seeds of what rows contribute, from that of a method's runs [S, n]."""
        place = np.array(self.repeats[method])
        means = [
            block[place == each].mean(axis=0) if (place == each).any() else block.mean(axis=0)
            for each in range(len(self.of_rows))
        ]
        return np.stack(means)

    def inflation(self, values: Floats) -> float:
        """By which the variance over rows of the mean of `values` [R, n] is too small.

        It is at least `factor`, and more where folds differ by more than their rows explain.
        """
        n = values.shape[1]
        if n < 2 or not np.isfinite(values).all():
            return self.factor
        alone = float(values.var(axis=1).mean()) / n
        if alone == 0:
            return self.factor
        between, df = 0.0, 0
        for own, fold in zip(values, self.of_rows, strict=True):
            rows = np.bincount(fold, minlength=self.number + 1)[1:]
            some = rows > 0
            mean = np.bincount(fold, own, minlength=self.number + 1)[1:][some] / rows[some]
            between += float((rows[some] * (mean - own.mean()) ** 2).sum()) / n
            df += int(some.sum()) - 1
        if df == 0:
            return self.factor
        between /= df
        moderated = (PRIOR * alone + df * between) / (PRIOR + df)
        moderated += KEPT * max(0.0, between - moderated)
        return self.factor * max(1.0, moderated / alone)
