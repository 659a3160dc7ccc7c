"""transfer.csv: accuracy where the methods were not trained, and how much it drops."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.comparison import paired
from finetone.comparison.scores import scores_of
from finetone.errors import UserError
from finetone.formats.predictions import header
from finetone.statistics.intervals import bounded
from finetone.statistics.variance.roles import Roles
from finetone.tables.panels import panels

COLUMNS = [
    *("dataset", "method", "source_accuracy", "source_low", "source_high"),
    *(*bounded("accuracy"), *bounded("drop"), "seeds", "n"),
]


def table(
    predictions: Sequence[Path],
    source: str,
    transfer: Sequence[str],
    confidence: float,
    roles: Roles,
    seed_sd: float | None,
) -> pd.DataFrame:
    """One row per transfer dataset and method; `drop` is source accuracy - accuracy there.

    Parameters
    ----------
    roles
        of the methods, which decide how chance is judged
    seed_sd
        stated standard deviation over seeds, in points, where no method has two runs
    """
    if not transfer:
        return pd.DataFrame(columns=COLUMNS)
    wanted = [path for path in predictions if header(path).dataset in {source, *transfer}]
    found = {}
    for panel in panels(wanted):
        scores = scores_of(panel, "accuracy", roles, seed_sd)
        seeds_of = {method: sorted(set(own)) for method, own in panel.seeds.items()}
        found[panel.dataset] = seeds_of, scores
    if absent := [name for name in (source, *transfer) if name not in found]:
        raise UserError(f"no prediction file holds dataset '{absent[0]}'")
    seeds, home = found[source]
    tables = []
    for dataset in transfer:
        there, away = found[dataset]
        _same_runs(dataset, there, source, seeds)
        here = home.of([home.methods.index(method) for method in away.methods])
        drop = paired.drops(here, away)
        columns = [here.mean, *here.interval(confidence), away.mean, *away.interval(confidence)]
        columns += [drop.value, *drop.interval(confidence)]
        one = pd.DataFrame(dict(zip(COLUMNS[2:-2], columns, strict=True)))
        one.insert(0, "dataset", dataset)
        one.insert(1, "method", away.methods)
        tables.append(one.assign(seeds=away.seeds, n=away.of_rows.shape[1]))
    return pd.concat(tables)


def _same_runs(
    dataset: str, there: dict[str, list[int]], source: str, seeds: dict[str, list[int]]
) -> None:
    for method, own in there.items():
        if seeds.get(method) != own:
            raise UserError(
                f"method '{method}' has seeds {own} on '{dataset}' but "
                f"{seeds.get(method, 'no run')} on '{source}'; rerun the missing ones"
            )
