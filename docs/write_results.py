"""Write the tables of an experiment into docs/results.md and README.md: python docs/write_results.py

The folder results/imdb-wheels has to be there (`make imdb`). What people wrote beside the tables stays as
it is, and has to be read again afterwards.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pages import fill, table_row

from finetone.numbers import between, duration, missing, percent, setting, signed, size
from finetone.tables.tuning_tables import KEYS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs/results.md", ROOT / "README.md"]
CONFIG = ROOT / "config/imdb-wheels.yaml"
PICTURES = {"methods": "imdb-methods", "learning-curve": "imdb-learning-curve"}


class Results:
    """The tables of an experiment, and what its methods are called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        config = yaml.safe_load(CONFIG.read_text())
        entries = {**config["models"], **config["baselines"]}
        self.titles = {name: entry["title"] for name, entry in entries.items()}
        self.source, (self.transfer, *_) = config["source"], config["transfer"]

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"tables/{name}.csv")

    def title(self, method: str) -> str:
        model = method.removesuffix("-probe")
        return self.titles.get(method) or f"{self.titles[model]}, frozen (probe)"


def ranking(results: Results) -> Iterator[str]:
    """A row per method: scores on both datasets, size and cost."""
    found = results.table("ranking").set_index(["dataset", "method"])
    costs = results.table("efficiency").set_index("method")
    away = found.loc[results.transfer]
    yield "| method | IMDB, % | | Rotten Tomatoes, % | | parameters | training, a seed | a million texts |"
    yield "|---|---|---|---|---|---|---|---|"
    for method, row in found.loc[results.source].sort_values("rank").iterrows():
        cost = costs.loc[method]
        yield table_row(
            results.title(str(method)),
            *_score(row),
            *_score(away.loc[method]),
            size(cost["parameters"]),
            duration(cost["train_seconds"]) if cost["train_seconds"] > 0.1 else "–",
            duration(cost["seconds_per_million_texts"]),
        )


def tuning(results: Results) -> Iterator[str]:
    """A row per method: every setting with its score on the dev split."""
    yield "| method | accuracy on the dev split, %; in bold what was taken |"
    yield "|---|---|"
    for method, tried in results.table("tuning").groupby("method", sort=False):
        yield table_row(
            results.title(str(method)), ", ".join(map(_trial, tried.to_dict("records")))
        )


def _trial(row: dict[str, Any]) -> str:
    values = (setting(float(row[key])) for key in KEYS if not missing(row[key]))
    text = f"{' '.join(values)}: {percent(row['score'])}"
    return f"**{text}**" if row["chosen"] else text


def curve(results: Results) -> Iterator[str]:
    """A row per method: its accuracy by number of training rows."""
    points = results.table("learning_curve")
    rows = sorted(points["rows"].unique())
    yield table_row("method", *(f"{each:,} rows" for each in rows))
    yield "|---|" + "---|" * len(rows)
    for method, own in points.groupby("method", sort=False):
        own = own.set_index("rows")
        yield table_row(results.title(str(method)), *(_interval(own.loc[each]) for each in rows))


def chance(results: Results) -> Iterator[str]:
    """A row per method: every seed, and what seeds and rows add to the error."""
    runs, parts = results.table("runs"), results.table("variance").set_index("method")
    runs = runs[(runs["dataset"] == results.source) & runs["kept"]]
    yield "| method | accuracy of each seed, % | error from seeds, points | from rows |"
    yield "|---|---|---|---|"
    for method, own in runs.groupby("method", sort=False):
        if len(own) > 1:
            errors = (percent(parts.loc[method, f"error_{name}"], 2) for name in ("seeds", "rows"))
            yield table_row(
                results.title(str(method)), ", ".join(map(percent, own["accuracy"])), *errors
            )


def pairs(results: Results) -> Iterator[str]:
    """A row per pair that the experiment was made for."""
    found = results.table("comparisons")
    found = found[found["dataset"] == results.source].set_index(["a", "b"])
    wanted = {
        "size: MPNet-base – MiniLM-L6": ("mpnet-base", "minilm-l6"),
        "size: MiniLM-L6 – three of its layers": ("minilm-l6", "minilm-l3"),
        "pretraining: MiniLM-L6 – its un-pretrained twin": ("minilm-l6", "minilm-l6-scratch"),
        "fine-tuning: MPNet-base – its probe": ("mpnet-base", "mpnet-base-probe"),
        "fine-tuning: MiniLM-L6 – its probe": ("minilm-l6", "minilm-l6-probe"),
        "fine-tuning: MiniLM-L3 – its probe": ("minilm-l3", "minilm-l3-probe"),
        "MPNet-base – TF-IDF": ("mpnet-base", "tfidf"),
        "MiniLM-L6 – TF-IDF": ("minilm-l6", "tfidf"),
        "MPNet-base, frozen – TF-IDF": ("mpnet-base-probe", "tfidf"),
        "TF-IDF – TextCNN": ("tfidf", "textcnn"),
    }
    yield "| what | difference, points | for all pairs at once | verdict |"
    yield "|---|---|---|---|"
    for what, (a, b) in wanted.items():
        turned = (a, b) not in found.index
        row, sign = found.loc[(b, a) if turned else (a, b)], -1 if turned else 1
        ends = [
            sorted(sign * row[name] for name in (f"low{x}", f"high{x}"))
            for x in ("", "_simultaneous")
        ]
        alone, together = (f"{between(*each)}" for each in ends)
        verdict = row["verdict"]
        if "better" in verdict:
            verdict = "better" if sign * row["difference"] > 0 else "worse"
        yield table_row(what, f"{signed(sign * row['difference'])} [{alone}]", together, verdict)


def _score(row: pd.Series) -> tuple[str, str]:
    letters = "" if pd.isna(row["group"]) else row["group"]
    return _interval(row), letters


def _interval(row: pd.Series) -> str:
    return f"{percent(row['score'])} [{percent(row['low'])}, {percent(row['high'])}]"


def main() -> None:
    """Replace every computed block of the pages, and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "results/imdb-wheels")
    results = Results(parser.parse_args().folder)
    makers = (ranking, pairs, tuning, curve, chance)
    blocks = {f"imdb {maker.__name__}": list(maker(results)) for maker in makers}
    for page in PAGES:
        fill(page, blocks)
    for figure, picture in PICTURES.items():
        file = results.folder / f"figures/{figure}.svg"
        shutil.copyfile(file, ROOT / f"docs/images/{picture}.svg")


if __name__ == "__main__":
    main()
