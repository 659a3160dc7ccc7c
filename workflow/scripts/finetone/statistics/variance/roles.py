"""What methods are in an experiment for, as far as it decides how chance is judged."""

from collections.abc import Collection, Sequence
from typing import TypedDict

import numpy as np

from finetone.statistics.metrics import Bools


class Roles(TypedDict, total=False):
    """Names of methods; those in neither draw random numbers and are there to be chosen.

    Attributes
    ----------
    deterministic
        Another seed would not change them.
    controls
        There to be beaten, such as a model without pretraining: some of their runs learn nothing,
        so that how much they vary from seed to seed says nothing of the others.
    """

    deterministic: Collection[str]
    controls: Collection[str]


def drawing(methods: Sequence[str], roles: Roles) -> Bools:
    """[K] whether another seed would give another score at all."""
    fixed = roles.get("deterministic", ())
    return np.array([method not in fixed for method in methods], dtype=bool)


def apart(methods: Sequence[str], roles: Roles) -> Bools:
    """[K] whether how much a method varies says nothing of the others."""
    controls = roles.get("controls", ())
    return np.array([method in controls for method in methods], dtype=bool)
