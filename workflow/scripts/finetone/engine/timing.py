"""Time methods in turn, round after round, so that their times can be compared.

A machine is never twice equally fast. What is compared are therefore ratios within a round, in
which all methods take the same texts, one method right after the other. A round in which something
else held the machine up is seen (`Timed.undisturbed`) and made up for by another one, within a
limit. Methods are loaded anew in each round, from files that the system keeps in memory: only one
at a time has to fit, and none leaves anything behind for the next. Neither loading nor the first
batches are timed.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from math import ceil

import numpy as np
import torch

from finetone.formats.rounds import Timed
from finetone.log import logger
from finetone.seeds import derive

SEED = 0  # of the choice of rows
ROUNDS = 9  # the median of nine has a 95 % interval that one odd round cannot stretch
ENOUGH = 8  # undisturbed rounds that every method should have; an interval of 99 % takes as many
MOST = 2 * ROUNDS  # rounds, however many were disturbed
LONG, SHORT = 1.0, 0.2  # seconds: of the slowest at one task, and of any at least
BATCHES = 8  # in a round, at most
WARM_UP, WARM_SECONDS = 3, 0.5  # times that pay for memory and kernels; once if that is slow

Run = Callable[[np.ndarray], None]  # does a task with rows, int64 [n]
Method = Callable[[], AbstractContextManager[Mapping[str, Run]]]  # loads its tasks; frees all later
Measured = tuple[float, float]  # seconds, and the share of them in which it had a processor


def in_turn(
    methods: Mapping[str, Method], lengths: np.ndarray, batch_size: int, device: torch.device
) -> tuple[list[np.ndarray], dict[str, dict[str, Timed]]]:
    """Time every task of every method in at least ROUNDS rounds.

    Parameters
    ----------
    methods
        By name.
    lengths
        Of the n texts, so that every round has texts of about the same lengths, int64 [n].
    batch_size
        Rows of a round are a multiple of it.
    device
        What the methods compute on.

    Returns
    -------
    rows
        Those of each round, int64.
    timed
        By method and task.
    """
    order = np.argsort(lengths, kind="stable")
    warm = _rows(order, batch_size, 0)

    def turn(name: str, rows: np.ndarray, repeats: Mapping[str, int]) -> dict[str, Measured]:
        with methods[name]() as tasks:
            took = {
                task: _measure(run, warm, rows, repeats.get(task, 1), device)
                for task, run in tasks.items()
            }
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
        return took

    tried = {name: turn(name, warm, {}) for name in methods}
    gc.freeze()  # a search through all that was imported takes longer than a short measurement
    slowest = max(seconds for took in tried.values() for seconds, _ in took.values())
    batches = int(np.clip(LONG / slowest, 1, BATCHES))
    repeats = {
        name: {task: ceil(SHORT / batches / seconds) for task, (seconds, _) in took.items()}
        for name, took in tried.items()
    }
    rows: list[np.ndarray] = []
    found: dict[str, dict[str, list[Measured]]]
    found = {name: {task: [] for task in took} for name, took in tried.items()}
    timed: dict[str, dict[str, Timed]] = {}
    began = time.monotonic()
    while len(rows) < ROUNDS or _worth_another(timed, MOST - len(rows)):
        rows.append(_rows(order, batches * batch_size, len(rows) + 1))
        # back and forth, so that a machine that slows down favours nobody
        for name in list(methods)[:: 1 if len(rows) % 2 else -1]:
            for task, measured in turn(name, rows[-1], repeats[name]).items():
                found[name][task].append(measured)
        timed = {
            name: {task: _as_timed(each) for task, each in of_tasks.items()}
            for name, of_tasks in found.items()
        }
        left = (time.monotonic() - began) / len(rows) * max(ROUNDS - len(rows), 0)
        logger.info(
            "round %d/%d, %d if disturbed, %.0f s left",
            len(rows),
            max(ROUNDS, len(rows)),
            MOST,
            left,
        )
    gc.unfreeze()
    return rows, timed


def _as_timed(measured: Sequence[Measured]) -> Timed:
    seconds, share = np.array(measured).T
    return Timed(seconds, share)


def _worth_another(timed: Mapping[str, Mapping[str, Timed]], left: int) -> bool:
    """Whether a method has too few undisturbed rounds, and could still get enough of them."""
    every = (each for tasks in timed.values() for each in tasks.values())
    return any(0 < ENOUGH - each.undisturbed.sum() <= left for each in every)


def _rows(order: np.ndarray, count: int, number: int) -> np.ndarray:
    """The rows of round `number`: one of each of `count` strata of length, in random order."""
    strata = np.array_split(order, min(count, len(order)))
    random = np.random.default_rng(derive(SEED, "timing", number))
    return random.permutation([random.choice(stratum) for stratum in strata])


def _measure(
    run: Run, warm: np.ndarray, rows: np.ndarray, repeats: int, device: torch.device
) -> Measured:
    """Do a task with `rows`, several times over, after a warm-up with other ones."""
    # on a GPU a thread of torch's own computes gradients while this one sleeps
    clock = time.thread_time if device.type == "cpu" else time.process_time
    started = time.perf_counter()
    for _ in range(WARM_UP):
        run(warm)
        _wait(device)
        if time.perf_counter() - started > WARM_SECONDS:
            break
    rows = np.tile(rows, repeats)
    start, processor = time.perf_counter(), clock()
    run(rows)
    _wait(device)
    seconds, processor = time.perf_counter() - start, clock() - processor
    return seconds / repeats, min(1.0, processor / seconds)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
