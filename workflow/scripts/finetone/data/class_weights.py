"""Weights of the classes in the loss, so that a rare class counts as much as a frequent one."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from finetone.errors import UserError, listed


def balanced(labels: npt.NDArray[np.int64], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """The weight n / (classes · rows of the class) of a row of each class (King & Zeng 2001).

    Their mean over the rows is 1, so a learning rate means what it means without weights.

    Parameters
    ----------
    labels
        Class numbers [n] of the training rows.
    names
        Of all classes.

    Returns
    -------
    array
        [classes]

    Raises
    ------
    UserError
        A class has no row.
    """
    counts = np.bincount(labels, minlength=len(names))
    refuse_absent(dict(zip(names, counts.tolist(), strict=True)))
    weights: npt.NDArray[np.float64] = len(labels) / (len(names) * counts)
    return weights


def refuse_absent(counts: Mapping[str, int]) -> None:
    """Check that there are rows of every class.

    Parameters
    ----------
    counts
        {class: training rows}.

    Raises
    ------
    UserError
        There are none of a class.
    """
    if absent := [name for name, count in counts.items() if not count]:
        raise UserError(
            f"recipe.class_weights: balanced needs training rows of every class, and there is none "
            f"of {listed(absent)}; leave the class out of labels, or class_weights out"
        )
