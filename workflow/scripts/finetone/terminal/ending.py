"""What an experiment came to, in the lines that end a run: answer, checks, scores, page, disk."""

import os
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from finetone import checks, numbers
from finetone.errors import UserError
from finetone.files import read_json
from finetone.formats.csv_table import read_csv
from finetone.plots.drawing.fitting import columns, one_line
from finetone.plots.drawing.language import words
from finetone.plots.drawing.style import Style
from finetone.report.elements import Maker
from finetone.report.inputs import ReportInputs
from finetone.report.verdict_card import verdict

HERE = Path(__file__).parent
NEEDED = ("ranking", "efficiency")
MOST = 20  # methods of one dataset
PARTS = 3  # folders that take the most space
LANGUAGE = re.compile(rb'<html lang="(\w+)"')


def lines(folder: Path, width: int = 100) -> list[str]:
    """All that is printed at the end.

    Parameters
    ----------
    folder
        Of the experiment's results.
    width
        Columns that sentences are broken to.

    Raises
    ------
    UserError
        The folder has no results, or a table was altered.
    """
    for name in NEEDED:
        if not (folder / f"tables/{name}.csv").is_file():
            raise UserError(
                f"{folder}: holds no tables/{name}.csv; give the folder of a finished experiment, "
                "results/<experiment>"
            )
    labels = words(HERE / "words", language := _language(folder))
    facts = read_json(folder / "results.json") if (folder / "results.json").is_file() else {}
    ranking, costs = (_table(folder, name) for name in NEEDED)
    ranking = ranking.rename(columns={"accuracy": "score"})  # of earlier versions
    ranking["metric"] = ranking.get("metric", "accuracy")
    told = [*_verdict(folder, facts, labels, language, width)]
    if listed := [*_checks(folder, language, width)]:
        told += [labels["check_first"], *listed, ""]
    sizes = {str(m): float(n) for m, n in zip(costs["method"], costs["parameters"], strict=True)}
    confidence = f"{100 * float(facts.get('confidence', 0.95)):g}"
    for dataset, rows in ranking.groupby("dataset", sort=False):
        of_dataset = rows.to_dict("records")
        told += [_heading(str(dataset), of_dataset, labels, language, confidence)]
        told += [*_scores(of_dataset[:MOST], sizes, labels)]
        if more := len(of_dataset) - MOST:
            path = folder / "tables/ranking.csv"
            told += [labels["more"].format(n=more, path=path)] if more > 0 else []
        told += [""]
    return [*told, *_where(folder, labels)]


def brief(folder: Path) -> str:
    """One line for the end of plain Snakemake; "" if there is no answer yet."""
    advice = _table(folder, "recommendation")
    if advice.empty or not (folder / "report.html").is_file():
        return ""
    labels = words(HERE / "words", _language(folder))
    return labels["brief"].format(answer=_recommended(advice, labels), folder=folder)


def _language(folder: Path) -> str:
    """The language of the page."""
    page = folder / "report.html"
    found = LANGUAGE.search(page.open("rb").read(500)) if page.is_file() else None
    return found[1].decode() if found and found[1] in (b"en", b"zh") else "en"


def _table(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"tables/{name}.csv"
    return read_csv(path) if path.is_file() else pd.DataFrame()


def _recommended(advice: pd.DataFrame, labels: Mapping[str, str]) -> str:
    chosen = advice[advice["recommended"]]["method"]
    if chosen.empty:
        return labels["not_recommended"]
    return labels["recommended"].format(method=one_line(chosen.iloc[0]))


def _verdict(
    folder: Path, facts: Mapping[str, Any], labels: Mapping[str, str], language: str, width: int
) -> Iterator[str]:
    """What the first card of the page says."""
    advice = _table(folder, "recommendation")
    if advice.empty:  # of an earlier version
        return
    config = {
        "source": advice["dataset"].iloc[0],
        "compare": {name: facts[name] for name in ("margin", "confidence") if name in facts},
        "models": [m["method"] for m in facts.get("methods", ()) if m["kind"] == "finetune"],
        "seeds": sorted({r["seed"] for m in facts.get("methods", ()) for r in m["runs"]} - {0}),
    }
    tables = {path.stem: path for path in sorted((folder / "tables").glob("*.csv"))}
    of_page = words(HERE.parent / "report/translations", language)
    inputs = ReportInputs(config, tables)
    said = verdict(Maker(inputs, Style(language=language), of_page, {}, []))
    yield " · ".join([_recommended(advice, labels), *filter(None, (said.score, said.interval))])
    indent = 2 + max((columns(term) for term, _ in said.facts), default=0)
    for term, text in said.facts:
        yield from _wrapped(text, f"  {term}{' ' * (indent - columns(term))}", width)
    yield ""


def _checks(folder: Path, language: str, width: int) -> Iterator[str]:
    for check in checks.find(checks.Evidence.of_folder(folder)):
        key = f" [{check.config_key}]" if check.config_key else ""
        mark = "! " if check.level == "warning" else "- "
        yield from _wrapped(check.sentence(language) + key, f"  {mark}", width)


def _heading(
    dataset: str,
    rows: list[dict[Any, Any]],
    labels: Mapping[str, str],
    language: str,
    confidence: str,
) -> str:
    metric = rows[0]["metric"]
    of_page = words(HERE.parent / "report/translations", language)
    tested = any(row["group"] for row in rows)
    after = labels["letters" if tested else "untested"] if len(rows) > 1 else ""
    about = labels["ranking"].format(
        dataset=one_line(dataset),
        metric=of_page[f"name_{metric}"],
        unit="" if numbers.scale(metric) == 1 else labels["percent"],
        confidence=confidence,
    )
    return about + after


def _scores(
    rows: list[dict[Any, Any]], sizes: Mapping[str, float], labels: Mapping[str, str]
) -> Iterator[str]:
    """One line per method: rank, name, score, interval, letters, parameters."""
    cells = []
    for row in rows:
        metric, size = row["metric"], sizes.get(str(row["method"]), float("nan"))
        low, high = (numbers.score(metric, row[end]) for end in ("low", "high"))
        cells.append(
            (
                f"{row['rank']:>3}",
                one_line(str(row["method"])),
                numbers.score(metric, row["score"]),
                f"[{low:>5}, {high:>5}]",
                str(row["group"]),
                "" if numbers.missing(size) else f"{numbers.size(size)} {labels['parameters']}",
            )
        )
    right = {0, 2, 5}  # columns of numbers
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    for row_ in cells:
        padded = [
            " " * (width - columns(cell)) + cell
            if n in right
            else cell + " " * (width - columns(cell))
            for n, (cell, width) in enumerate(zip(row_, widths, strict=True))
        ]
        yield "  ".join(padded).rstrip()


def _where(folder: Path, labels: Mapping[str, str]) -> Iterator[str]:
    if (folder / "report.html").is_file():
        yield labels["page"].format(path=(folder / "report.html").absolute())
    taken = disk(folder)
    largest = sorted(taken, key=lambda name: -taken[name])[:PARTS]
    parts = ", ".join(f"{name} {numbers.memory(taken[name])}" for name in largest)
    yield labels["disk"].format(size=numbers.memory(sum(taken.values())), path=folder, parts=parts)


def disk(folder: Path) -> dict[str, int]:
    """Bytes that every folder and file in `folder` takes; one with several names counts once."""
    seen: set[tuple[int, int]] = set()
    taken: dict[str, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                about = Path(place, name).lstat()
            except OSError:  # a job that still runs has removed it
                continue
            if (about.st_dev, about.st_ino) not in seen:
                seen.add((about.st_dev, about.st_ino))
                part = Path(place, name).relative_to(folder).parts[0]
                taken[part] = taken.get(part, 0) + about.st_size
    return taken


def _wrapped(text: str, start: str, width: int) -> Iterable[str]:
    """Lines of `text`, the first of which begins with `start` and the others are indented."""
    most = max((width - columns(start)) * len(text) // max(columns(text), 1), 20)
    for number, line in enumerate(textwrap.wrap(one_line(text), most, break_on_hyphens=False)):
        yield (start if number == 0 else " " * columns(start)) + line
