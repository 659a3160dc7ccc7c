"""What a column of printed shares can be counts of: the stated rows, or which others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm

from finetone.published.granularity import chance, possible, share_possible
from finetone.published.printed import Printed, Rounding

WINDOW = 0.05
"""Numbers of test rows are tried up to this relative distance from the stated one."""
MOST_TRIED = 2000
MOST_RUNS = 20
"""Means over up to so many runs are tried where the number of runs is not stated."""
CONVINCING = 0.001
"""Largest p-value, adjusted for all explanations tried, at which one is believed."""
MOST_WEIGHED = 50
"""Of so many explanations, those that allow most values, the chance is calculated."""


@dataclass(frozen=True)
class Design:
    """How the values of a column were made, as far as it is stated.

    Attributes
    ----------
    n
        Rows of one run.
    runs
        What n is multiplied with: a mean over S runs is k/(n·S), a median of an even number k/(2n).
    known
        Whether the number of runs is stated.
    batch_sizes
        Batch sizes that the evaluation may have had.
    others
        Other numbers of rows that it may have been made on.
    rounding
        Unknown if not given.
    """

    n: int
    runs: int = 1
    known: bool = True
    batch_sizes: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    rounding: Rounding | None = None

    @property
    def stated(self) -> "Explanation":
        """The one that the publication gives."""
        return Explanation("stated", self.n * self.runs, rounding=self.rounding or "nearest")


@dataclass(frozen=True)
class Explanation:
    """One way in which a column can have come about: every value is k/`of`.

    Attributes
    ----------
    name
        `stated`, `drop-last` (the last, incomplete batch was left out), `batch-means` (the mean of
        per-batch accuracies, a smaller last batch counted as a full one), `runs` (a mean over
        runs), `others` (another number of rows that was stated) or `near` (any other).
    of
        The number of steps between 0 and 1.
    numbers
        The batch sizes or numbers of runs that lead to it.
    rounding
        How digits were left out.
    bare
        Whether a 0 at the end is taken for a digit that was not measured.
    """

    name: str
    of: int
    numbers: tuple[int, ...] = ()
    rounding: Rounding = "nearest"
    bare: bool = False

    def allows(self, printed: Printed) -> bool:
        """Whether it can have led to this value."""
        return possible(self._read(printed), self.of, self.rounding)

    def share(self, printed: Printed) -> float:
        """Share of such values that it allows."""
        return share_possible(self._read(printed), self.of, self.rounding)

    def _read(self, printed: Printed) -> Printed:
        return printed.without_zero() if self.bare else printed


def candidates(design: Design) -> list[Explanation]:
    """All explanations to try besides the stated one; those with a reason come first.

    n rows in batches of b with r = n mod b rows in the last one: the mean of the batches' accuracies
    is a multiple of 1/(lcm(b, r)·⌈n/b⌉), since every batch's is one of 1/b or of 1/r.
    """
    n, runs = design.n, design.runs
    named: dict[tuple[str, int], tuple[int, ...]] = {}

    def add(name: str, of: int, *numbers: int) -> None:
        if of and of != n * runs:
            named[name, of] = (*named.get((name, of), ()), *numbers)

    for b in design.batch_sizes:
        if n % b:
            add("drop-last", n // b * b * runs, b)
            add("batch-means", lcm(b, n % b) * -(-n // b) * runs, b)
    for other in design.others:
        add("others", other * runs)
    for s in range(2, MOST_RUNS + 1) if not design.known else ():
        add("runs", n * s, s)
    reach = min(int(WINDOW * n), MOST_TRIED // 2)
    taken = {of for _, of in named} | {n * runs}
    near = (rows * runs for rows in range(max(1, n - reach), n + reach + 1))
    plain = [Explanation(*key, numbers) for key, numbers in named.items()]
    plain += [Explanation("near", of) for of in near if of not in taken]
    readings: list[tuple[Rounding, bool]] = [
        (rounding, bare)
        for rounding in ("nearest", "cut")
        for bare in (False, True)
        if design.rounding in (None, rounding)
    ]
    return [
        replace(e, rounding=rounding, bare=bare)
        for rounding, bare in readings
        for e in [design.stated, *plain]
        if replace(e, rounding=rounding, bare=bare) != design.stated
    ]


@dataclass(frozen=True)
class Fit:
    """How well an explanation fits: values it allows, and the chance of as many (adjusted)."""

    explanation: Explanation
    possible: int
    chance: float

    @property
    def convincing(self) -> bool:
        """Whether chance is ruled out."""
        return self.chance < CONVINCING


@dataclass(frozen=True)
class Column:
    """Printed shares of one kind, and how they were made."""

    values: Sequence[Printed]
    design: Design

    @cached_property
    def impossible(self) -> list[Printed]:
        """The values that the stated explanation does not allow."""
        return [p for p in self.values if not self.design.stated.allows(p)]

    @cached_property
    def tried(self) -> list[Explanation]:
        """All explanations that are tried; none where the stated one allows everything."""
        return candidates(self.design) if self.impossible else []

    @cached_property
    def fits(self) -> list[Fit]:
        """The explanations to name: all convincing ones that tie, and others that allow everything.

        They tie if they allow equally many values. That zeros at the end are missing digits is told
        where it explains more than the digits as they are. Half of the error probability is for
        explanations with a reason, half for other numbers of rows.
        """
        finest = max(p.steps for p in self.values)
        hits = {e: sum(map(e.allows, self.values)) for e in self.tried}
        size = {near: sum((e.name == "near") is near for e in hits) for near in (False, True)}
        full = [e for e, k in hits.items() if k == len(self.values) and e.name != "near"]
        told: list[Fit] = []
        weak: list[Fit] = []
        for bare in (False, True):
            needed = 1 + max((fit.possible for fit in told), default=0) if bare else 0
            some = [e for e in hits if e.bare is bare and hits[e] >= needed and e.of < finest]
            for e in sorted(some, key=lambda e: -hits[e])[:MOST_WEIGHED]:
                alone = chance([e.share(p) for p in self.values], hits[e])
                fit = Fit(e, hits[e], min(1.0, 2 * alone * size[e.name == "near"]))
                if fit.convincing and hits[e] >= needed:
                    needed = hits[e]
                    told.append(fit)
                elif e in full:
                    weak.append(fit)
        everything = [Fit(e, hits[e], 1.0) for e in full if e.of >= finest]
        return told + _simplest(weak) + _simplest(everything)

    @property
    def verdict(self) -> str:
        """`consistent`, `powerless` (nearly any value is possible), `explained`, `unexplained`."""
        if self.impossible:
            return "explained" if any(f.convincing for f in self.fits) else "unexplained"
        powerless = all(self.design.stated.share(p) > 0.99 for p in self.values)
        return "powerless" if powerless else "consistent"

    @property
    def only_stated(self) -> list[Printed]:
        """Values that the stated rows allow, but none of the explanations that tie."""
        believed = [f.explanation for f in self.fits if f.convincing and not f.explanation.bare]
        allowed = [p for p in self.values if believed and p not in self.impossible]
        return [p for p in allowed if not any(e.allows(p) for e in believed)]


def _simplest(found: Sequence[Fit]) -> list[Fit]:
    """Of explanations that allow everything, those that assume least about digits and runs."""
    reading = {f: (f.explanation.bare, f.explanation.rounding == "cut") for f in found}
    simplest = [f for f in found if reading[f] == min(reading.values())]
    runs = [f for f in simplest if f.explanation.name == "runs"]
    return [f for f in simplest if f not in runs] + runs[:1]  # more runs allow it as well
