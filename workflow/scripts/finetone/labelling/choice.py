"""Which method of a finished experiment labels new texts, and the runs of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetone import files
from finetone.errors import UserError, did_you_mean, listed
from finetone.formats import run_record, temperature
from finetone.formats.run_record import RunRecord

MEAN = "mean"  # in place of a seed: the mean over all seeds


@dataclass(frozen=True)
class Run:
    """One trained run: its folder, its record, and its temperature if it has one."""

    folder: Path
    record: RunRecord
    temperature: float | None


@dataclass(frozen=True)
class Choice:
    """A method, and those of its runs whose probabilities are averaged."""

    method: str
    runs: Sequence[Run]

    @property
    def labels(self) -> list[str]:
        """Names of the classes in the order of their numbers."""
        return self.runs[0].record.labels

    @property
    def calibrated(self) -> bool:
        """Whether all runs have a temperature."""
        return all(run.temperature is not None for run in self.runs)

    def facts(self) -> dict[str, Any]:
        """What decides the labels of a text, for records."""
        return {
            "method": self.method,
            "seeds": [run.record.seed for run in self.runs],
            "temperatures": [run.temperature for run in self.runs],
            "dataset": self.runs[0].record.dataset,
            "labels": self.labels,
            "made_from": {
                f"seed{run.record.seed}": run.record.content or run.record.checkpoint
                for run in self.runs
            },
        }


def choose(
    results: Path,
    method: str | None = None,
    seed: str | int | None = None,
    of: Sequence[Path] | None = None,
) -> Choice:
    """Find the method and its runs.

    Parameters
    ----------
    results
        Folder of an experiment: results/<experiment>.
    method
        Its name; the one that results.json recommends if not given.
    seed
        Of the run; by default the first, and `mean` for all of them.
    of
        The run.json files and temperatures that belong to the experiment; by default what
        `_of_results` finds.

    Raises
    ------
    UserError
        The folder has no such run, recommends none, or a file of the run was altered.
    """
    name = method or recommended(results)
    of = _of_results(results) if of is None else of
    runs = [path for path in of if path.name == "run.json"]
    found = {path.parent.name: path for path in runs if path.parts[-3] == name}
    if not found:
        known = sorted({path.parts[-3] for path in runs})
        if not known:
            raise UserError(
                f"{results}: holds no runs; give the folder of an experiment, results/<experiment>"
            )
        hint = did_you_mean(name, known, f"there are {listed(known)}")
        raise UserError(f"{results}: no method {name!r} has been trained{hint}")
    record = run_record.read(next(iter(found.values())))
    if record.kind == "ensemble":  # the mean over all runs of another method
        return replace(choose(results, record.recipe["of"], MEAN, of), method=name)
    seeds = list(found)
    if seed is None:
        seeds = seeds[:1]
    elif str(seed) != MEAN:
        if f"seed{seed}" not in seeds:
            known = [each.removeprefix("seed") for each in seeds]
            raise UserError(f"{results}: {name} has no seed {seed}; there are {listed(known)}")
        seeds = [f"seed{seed}"]
    return Choice(name, [_run(results, name, found[each], of) for each in seeds])


def _of_results(results: Path) -> list[Path]:
    """The runs that results.json was made from, and their temperatures.

    Others are left from a seed, a method or a dev split that the configuration had before. Without
    results.json, or in one that names no runs, it is all runs that there are.

    Raises
    ------
    UserError
        A run is another one now: it was trained again, and the experiment did not come to its end.
    """
    file = results / "results.json"
    stated = files.read_json(file).get("made_from", {}) if file.is_file() else {}
    named = {path: digest for path, digest in stated.items() if Path(path).name == "run.json"}
    runs = [results / path for path in named if (results / path).is_file()]
    for path in runs:
        if files.sha256(path) != named[str(path.relative_to(results))]:
            raise UserError(f"{path}: trained again since {file} was written; run snakemake again")
    if not named:
        by_seed = results.glob("runs/*/seed*/run.json")
        runs = sorted(by_seed, key=lambda path: int(path.parent.name.removeprefix("seed")))
    fitted = [_fitted(results, path) for path in runs]
    return [*runs, *(path for path in fitted if path.is_file())]


def recommended(results: Path) -> str:
    """The method that results.json recommends.

    Raises
    ------
    UserError
        There is no such file, or it recommends none.
    """
    file = results / "results.json"
    if not file.is_file():
        raise UserError(
            f"{file}: not there; give the folder of a finished experiment, results/<experiment>, "
            "or name a method"
        )
    content = files.read_json(file)
    advice = content.get("recommendation") or {}
    if name := advice.get("method"):
        return str(name)
    why = advice.get("why") or "it is of an earlier version"
    scores = {
        entry["method"]: entry["accuracy"]["mean"]
        for entry in content["results"]
        if entry["dataset"] == content["source"]
    }
    ranked = sorted(scores, key=lambda each: -scores[each])
    shown = listed((f"{each} ({100 * scores[each]:.1f} %)" for each in ranked), most=5)
    raise UserError(f"{file}: recommends no method ({why}); name one: {shown}")


def _run(results: Path, method: str, record_file: Path, of: Sequence[Path]) -> Run:
    record = run_record.read(record_file)
    run_record.check(record_file, record.learned)
    fitted = _fitted(results, record_file)
    found = temperature.read(fitted) if fitted in of else None
    known = found.temperature if found and found.is_of(record) else None
    return Run(record_file.parent, record, known)


def _fitted(results: Path, record_file: Path) -> Path:
    """The file of a run's temperature."""
    seed = record_file.parent
    return results / "temperatures" / seed.parent.name / f"{seed.name}.json"
