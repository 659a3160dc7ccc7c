"""How much accuracy is lost on a dataset the methods were not trained on."""

from collections.abc import Sequence
from pathlib import Path

from finetone.errors import UserError
from finetone.formats.predictions_reader import header, panels
from finetone.statistics.metrics import Floats
from finetone.statistics.paired import Difference, difference, excess, resample


def drops(
    predictions: Sequence[Path],
    source: str,
    transfer: Sequence[str],
    confidence: float,
    resamples: int,
    seed: int,
) -> dict[tuple[str, str], Difference]:
    """{(dataset, method): source accuracy - transfer accuracy} of the kept epochs.

    Rows of the two datasets are resampled independently, seeds jointly: they are the same trained
    models on both, so a lucky seed is lucky twice and its luck cancels in the drop.
    """
    wanted = {source, *transfer}
    paths = [path for path in predictions if header(path).dataset in wanted]
    seeds: dict[str, dict[str, list[int]]] = {}
    rows: dict[str, int] = {}
    accuracy: dict[str, dict[str, float]] = {}
    runs: dict[str, dict[str, Floats]] = {}
    surplus: dict[str, dict[str, float]] = {}
    resampled: dict[str, dict[str, Floats]] = {}
    for panel in panels(paths):
        seeds[panel.dataset] = panel.seeds
        rows[panel.dataset] = len(panel.ids)
        runs[panel.dataset] = {m: panel.accuracies(m) for m in panel.methods}
        accuracy[panel.dataset] = {m: panel.mean_accuracy(m) for m in panel.methods}
        surplus[panel.dataset] = {m: excess(panel, m) for m in panel.methods}
        resampled[panel.dataset] = resample(panel, resamples, seed)
    if missing := [name for name in (source, *transfer) if name not in accuracy]:
        raise UserError(f"no prediction file holds dataset '{missing[0]}'")
    result = {}
    for dataset in transfer:
        for method, own in seeds[dataset].items():
            if seeds[source].get(method) != own:
                raise UserError(
                    f"method '{method}' has seeds {own} on '{dataset}' but "
                    f"{seeds[source].get(method, 'no run')} on '{source}'; rerun the missing ones"
                )
            result[dataset, method] = difference(
                accuracy[source][method] - accuracy[dataset][method],
                resampled[source][method] - resampled[dataset][method],
                confidence,
                min(rows[source], rows[dataset]),
                [runs[source][method] - runs[dataset][method]],
                surplus[source][method] + surplus[dataset][method],
            )
    return result
