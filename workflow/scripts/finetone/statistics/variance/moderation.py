"""How much a method's score varies from seed to seed, judged from few seeds.

The variance over two or three seeds is itself hardly known: by chance it is often near zero, and a
test that believes it finds differences that are not there. So each method's own variance s² is
moderated: averaged with the one pooled over all methods that draw random numbers, which counts as
much as PRIOR degrees of freedom (Smyth 2004, "Linear models and empirical Bayes methods", with the
weight fixed instead of estimated):

    D = Σ (S_i - 1)    pooled = Σ (S_i - 1) s_i² / D    w = min(PRIOR, D)
    moderated_i = (w · pooled + (S_i - 1) s_i²) / (w + S_i - 1)

Methods may differ tenfold, and then this takes too much from the ones that vary most. So where a method's
own variance is the larger, half of what it is larger by is added again. (Settings found by simulation:
docs/statistics.md.)

A control, such as a model without pretraining, is there to be beaten, and some of its runs learn
nothing: its variance is left out of what the others' are averaged with, and would make their intervals
several times as wide. Its own is averaged with all of them.

A method with one run borrows the pooled variance; a method without random numbers has none. An
ensemble, the mean of another method's runs, goes by the variance of one of these runs: it varies
less, by how much is not known from one ensemble, so its intervals are wider than they need be.
Everything that is made of these is a weighted sum Σ c_j s_j² of independent variances, so its
degrees of freedom are Satterthwaite's (1946), (Σ c_j s_j²)² / Σ (c_j s_j²)² / (S_j - 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from finetone.statistics.metrics import Bools, Floats, Ints

PRIOR = 4.0
KEPT = 0.5


@dataclass(frozen=True)
class SeedVariance:
    """The variances over seeds of K methods.

    Parameters
    ----------
    own
        [K] variance of the score over a method's seeds (divisor S - 1); anything where S is 1
    seeds
        [K] runs per method
    stochastic
        [K] whether another seed would give another score at all
    stated
        a standard deviation over seeds to go by if no method has two runs, in the score's units
    like
        [K] place of the method whose variance each goes by (`varying_as`); each by its own if None
    apart
        [K] whether a method's variance says nothing of the others' (`roles`); none if None
    """

    own: Floats
    seeds: Ints
    stochastic: Bools
    stated: float | None = None
    like: Ints | None = None
    apart: Bools | None = None

    @property
    def measured(self) -> Floats:
        """[K] degrees of freedom of each method's own variance; 0 where it is not finite."""
        return np.where(self.stochastic & np.isfinite(self.own), self.seeds - 1.0, 0.0)

    @property
    def known(self) -> bool:
        """Whether anything can be said of seeds: they matter to nobody, or some method has two."""
        return bool(self.measured.sum() > 0 or self.stated is not None or not self.stochastic.any())

    @property
    def weights(self) -> Floats:
        """[K, K]: row i makes method i's moderated variance of all methods' own."""
        df = self.measured
        if df.sum() == 0:
            return np.zeros((len(df), len(df)))
        apart = np.zeros(len(df), bool) if self.apart is None else self.apart
        others = np.where(apart[:, None], df, self.pool)
        total = others.sum(axis=1, keepdims=True)
        prior = np.minimum(PRIOR, total)
        mixed = (prior * others / total + np.diag(df)) / (prior + df[:, None])
        return np.where(self.stochastic[:, None], mixed, 0.0)

    @property
    def pooled(self) -> tuple[float, float]:
        """(variance over seeds of a typical method, its degrees of freedom)."""
        df = self.pool
        if total := float(df.sum()):
            return float((df * self._own).sum() / total), total
        return (self.stated or 0.0) ** 2, np.inf

    @property
    def pool(self) -> Floats:
        """[K] degrees of freedom of what is pooled: without those apart, unless they alone have any."""
        df = self.measured
        pool = df if self.apart is None else np.where(self.apart, 0.0, df)
        return pool if pool.sum() > 0 else df

    @property
    def moderated(self) -> Floats:
        """[K] variance over seeds of each method's score."""
        return self.of_sums(np.eye(len(self.own)))[0]

    def of_sums(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """(variance [m], its degrees of freedom [m]) of sums of the methods' moderated variances.

        Parameters
        ----------
        coefficients
            [m, K]; for a difference of two means over seeds, 1/S in the columns of both methods
        """
        df = self.measured
        if self.like is not None:
            coefficients = coefficients @ np.eye(len(df))[self.like]
        if df.sum() == 0:
            stated = np.where(self.stochastic, (self.stated or 0.0) ** 2, 0.0)
            return coefficients @ stated, np.full(len(coefficients), np.inf)
        return summed(self._own, df, self.weights, coefficients)

    def of_means(self) -> tuple[Floats, Floats]:
        """(variance [K], its degrees of freedom [K]) of each method's mean over its seeds."""
        return self.of_sums(np.diag(1 / self.seeds))

    @property
    def _own(self) -> Floats:
        return np.where(self.measured > 0, self.own, 0.0)


def varying_as(methods: Sequence[str], ensembles: Mapping[str, str]) -> Ints:
    """[K] place of the method whose variance over seeds each goes by.

    Parameters
    ----------
    methods
        names
    ensembles
        {ensemble: the method whose runs it is the mean of}; where that is not among the methods,
        the ensemble is one of a single run
    """
    places = {method: place for place, method in enumerate(methods)}
    return np.array(
        [places.get(ensembles.get(method, method), place) for method, place in places.items()],
        dtype=np.int64,
    )


def summed(own: Floats, df: Floats, weights: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """(variance [..., m], its degrees of freedom [..., m]) of sums of moderated variances.

    Parameters
    ----------
    own
        [..., K] each method's own variance, for one experiment or several; 0 where `df` is
    df
        [K] degrees of freedom of `own`
    weights
        [K, K] from `SeedVariance.weights`
    coefficients
        [m, K]
    """
    shared = own @ weights.T
    variance = (shared + KEPT * np.maximum(own - shared, 0.0)) @ coefficients.T
    mixed = coefficients @ weights
    of_variance = own**2 @ (mixed**2 / np.where(df > 0, df, 1.0)).T
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(of_variance > 0, (own @ mixed.T) ** 2 / of_variance, np.inf)
    return variance, found
