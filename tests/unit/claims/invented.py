"""An invented experiment for claims: prediction files, and the tables that are made of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from finetone.claims.facts import TIMINGS
from finetone.claims.judging import judge, write_claims
from finetone.claims.our_facts import OurFacts, read_facts
from finetone.claims.own_table import PrintedFacts
from finetone.claims.verdict import Verdict
from finetone.formats.csv_table import read_csv
from finetone.formats.rounds import Rounds, Timed, TimedMethod
from finetone.tables import write_table
from tests.unit.tables.test_tables import write_predictions

ACCURACY = {"big": 0.95, "large": 0.951, "small": 0.9, "tiny": 0.8, "mini": 0.85, "words": 0.7}
PARAMETERS = {"big": 110e6, "large": 330e6, "small": 55e6, "tiny": 5e6, "mini": 20e6}
GROUPS: dict[str, dict[str, Any]] = {
    "big": {"size": "base", "layers": 12, "distilled": False},
    "large": {"size": "base", "layers": 24, "distilled": False},
    "small": {"size": "small", "layers": 6, "distilled": True},
    "tiny": {"size": "small", "layers": 1, "distilled": True},
    "mini": {"size": "mini", "layers": 3, "distilled": True},
    "words": {},
}
FIXED = ["words"]  # draws no random numbers
BIG, SMALL = {"method": "big"}, {"method": "small"}


def logits(random: np.random.Generator, hard: np.ndarray, label: np.ndarray, share: float) -> Any:
    """Right on rows that are easier than `share`, and the surer the easier."""
    margin = (share - hard + random.normal(0, 0.01, len(hard))) * 6
    side = np.where(label == 1, margin, -margin)
    return np.stack([-side / 2, side / 2], axis=1)


def predict(
    folder: Path,
    seeds: Sequence[int] = (1, 2, 3),
    rows: Mapping[str, int] = {"reviews": 1000, "other": 150},
    spread: float = 0.002,
) -> list[Path]:
    """Prediction files of all methods; on `reviews` with two epochs, the first 2 points worse."""
    random = np.random.default_rng(0)
    luck = {(m, s): spread * random.normal() for m in ACCURACY for s in seeds}
    found = []
    for dataset, n in rows.items():
        hard, label = random.permutation(np.arange(n) / n), np.arange(n) % 2
        worse = 0.0 if dataset == "reviews" else 0.05
        for method, accuracy in ACCURACY.items():
            fixed = method in FIXED
            for seed in (0,) if fixed else seeds:
                share = accuracy - worse + (0 if fixed else luck[method, seed])
                behind = (0.0,) if fixed or worse else (0.02, 0.0)
                epochs = [logits(random, hard, label, share - each) for each in behind]
                path = folder / dataset / method / f"seed{seed}.parquet"
                facts = {"dataset": dataset, "method": method, "seed": seed}
                found.append(write_predictions(path, label, epochs, **facts))
    return found


def efficiency() -> pd.DataFrame:
    """efficiency.csv as far as claims read it."""
    rows = []
    for method, parameters in PARAMETERS.items():
        seconds = parameters / 1e9
        row = {"method": method, "parameters": parameters, "train_seconds": 100 * seconds}
        row |= {"non_embedding_parameters": parameters / 2, "train_seconds_sd": seconds}
        rows.append(row | dict.fromkeys([t for t in TIMINGS if t not in row], 1.0))
    return pd.DataFrame(rows)


def rounds(spread: float = 1.02, share: float = 1.0) -> Rounds:
    """Nine rounds in which the machine became a fifth slower, for all methods alike.

    Single measurements are up to `spread` times too long or too short; `share` of the time a method
    had a processor.
    """
    random = np.random.default_rng(1)
    found = {}
    for method, parameters in PARAMETERS.items():
        own = np.geomspace(1, 1.2, 9) * np.exp(np.log(spread) * random.uniform(-1, 1, 9))
        timed = Timed(parameters / 1e9 * own, np.full(9, share))
        tasks = {"train": timed, "predict": timed}
        found[method] = TimedMethod(tasks, np.full(9, 1000), 32, "fp32")
    return Rounds(found, 32, "cpu", "some CPU", 1)


def tabulate(folder: Path, predictions: list[Path], seed_sd: float | None = None) -> Path:
    """The tables that claims are judged by, and those that they must agree with."""
    known = {"confidence": 0.95, "roles": {"deterministic": FIXED}, "seed_sd": seed_sd}
    write_table("runs_table", [folder / "runs.csv"], predictions=predictions, confidence=0.95)
    write_table("summary_table", [folder / "summary.csv"], runs=folder / "runs.csv", **known)
    write_table(
        "comparison_tables",
        [folder / "comparisons.csv", folder / "ranking.csv"],
        predictions=predictions,
        baseline=None,
        **known,
    )
    write_table(
        "transfer_table",
        [folder / "transfer.csv"],
        predictions=predictions,
        source="reviews",
        transfer=["other"],
        **known,
    )
    efficiency().to_csv(folder / "efficiency.csv", index=False)
    return folder


def read(folder: Path, predictions: list[Path], seed_sd: float | None = None) -> OurFacts:
    """Facts of an experiment."""
    return read_facts(folder, predictions, GROUPS, "reviews", {"deterministic": FIXED}, seed_sd)


def claim(identity: str, *tests: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A claim of some tests."""
    return {"id": identity, "claim": "so it is", "where": "text", "tests": list(tests), **keys}


def accuracy(kind: str, **keys: Any) -> dict[str, Any]:
    """A test of accuracies."""
    return {"kind": kind, "metric": "accuracy", **keys}


def one(test: dict[str, Any], facts: OurFacts, printed: PrintedFacts | None = None) -> Verdict:
    """The verdict on a claim of one test, which is the only claim."""
    (verdict,) = judge([claim("C1", test)], facts, printed, 0.95)
    return verdict


def written(folder: Path, claims: list[dict[str, Any]], facts: OurFacts) -> pd.DataFrame:
    """claims.csv."""
    path = folder / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": claims}))
    write_claims(path, facts, folder / "claims.csv", 0.95)
    return read_csv(folder / "claims.csv")
