"""What stands on the page, in which order: sections of figures, tables, facts and sentences."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from finetone.files import read_json
from finetone.plots.style import Style
from finetone.plots.tables import read, truth
from finetone.report import numbers
from finetone.report.inputs import ReportInputs
from finetone.report.picture import Picture
from finetone.report.table import Column, Table, plain_columns, table


@dataclass(frozen=True)
class Section:
    """`pictures` stand one below another, `gallery` side by side.

    `facts` are (term, text), `code` (summary, text).
    """

    id: str
    title: str
    lead: str = ""
    sentences: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    pictures: Sequence[Picture] = ()
    gallery: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    code: Sequence[tuple[str, str]] = ()

    @property
    def empty(self) -> bool:
        return not any(
            (self.sentences, self.facts, self.pictures, self.gallery, self.tables, self.code)
        )


@dataclass(frozen=True)
class Maker:
    """Builds sections from whatever of the inputs exists."""

    inputs: ReportInputs
    style: Style
    say: Mapping[str, str]
    pictures: Mapping[str, Picture]
    runs: Sequence[Mapping[str, Any]]
    source: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", self.inputs.config["source"])

    def sections(self) -> list[Section]:
        makers: list[Callable[[], Section]] = [
            self.ranking,
            self.curves,
            self.epochs,
            self.transfer,
            self.baselines,
            self.cost,
            self.calibration,
            self.errors,
            self.data,
            self.published,
            self.provenance,
        ]
        return [section for make in makers if not (section := make()).empty]

    # --- one method per section -------------------------------------------------------------

    def ranking(self) -> Section:
        say = self.say
        ranks = [
            Column("rank", say["rank"], "count"),
            Column("method", say["method"], "method"),
            Column("accuracy", say["accuracy"], "percent", "low", "high"),
            Column("group", say["group"]),
            Column(
                "difference_to_best", say["behind"], "points", "difference_low", "difference_high"
            ),
            Column("p_holm", say["p_holm"], "p"),
            Column(
                "difference_to_baseline",
                say["to_baseline"],
                "points",
                "baseline_low",
                "baseline_high",
            ),
            Column("p_holm_baseline", say["p_holm"], "p"),
        ]
        pairs = [
            Column("a", say["method_a"], "method"),
            Column("b", say["method_b"], "method"),
            Column("difference", say["difference"], "points", "low", "high"),
            Column("p_holm", say["p_holm"], "p"),
            Column("mcnemar_p", say["mcnemar_p"], "p"),
            Column("kappa", say["kappa"], "number"),
        ]
        frame = self._rows("ranking")
        confidence = self.inputs.config.get("compare", {}).get("confidence", 0.95)
        sentences = [say["ranking_note"].format(confidence=f"{100 * confidence:g}")]
        detectable = (
            frame["detectable_difference"].median() if "detectable_difference" in frame else None
        )
        if not numbers.missing(detectable):
            sentences.append(say["detectable"].format(points=numbers.percent(float(detectable))))  # type: ignore[arg-type]
        return Section(
            "ranking",
            say["section_ranking"],
            sentences=sentences,
            pictures=self._pictures("methods", "comparisons"),
            tables=[
                *self._table("ranking", ranks, frame),
                *self._table("comparisons", pairs, folded=True),
            ],
        )

    def curves(self) -> Section:
        say = self.say
        columns = [
            Column("method", say["method"], "method"),
            Column("seed", say["seed"], "count"),
            Column("final_training_accuracy", say["final_training_accuracy"], "percent"),
            Column("target", say["target"], "percent"),
            Column("steps_to_target", say["steps_to_target"], "count"),
            Column("examples_to_target", say["examples_to_target"], "count"),
            Column("area_under_curve", say["area_under_curve"], "number"),
        ]
        correlation = [
            Column("scope", say["scope"]),
            Column("statistic", say["statistic"]),
            Column("rho", say["correlation"], "number", "low", "high"),
            Column("n", say["points"], "count"),
        ]
        return Section(
            "curves",
            say["section_curves"],
            say["lead_curves"],
            gallery=[p for name, p in self.pictures.items() if name.startswith("curves/")],
            tables=[*self._table("convergence", columns), *self._table("correlation", correlation)],
        )

    def epochs(self) -> Section:
        say = self.say
        main = self._read("main")
        columns = [Column("method", say["method"], "method")]
        epochs = [int(c[4:]) for c in map(str, main) if c.startswith("acc_") and c[4:].isdigit()]
        for epoch in epochs:
            label = say["accuracy_after"].format(n=epoch)
            columns.append(Column(f"acc_{epoch}", label, "percent", spread=f"acc_{epoch}_sd"))
        for epoch in epochs:
            columns.append(Column(f"loss_{epoch}", say["loss_after"].format(n=epoch), "number"))
        columns += [
            Column("parameters", say["parameters"], "size"),
            Column("seconds_per_32", say["seconds_per_32"], "seconds"),
            Column("train_seconds", say["train_seconds"], "seconds"),
        ]
        runs = [
            Column("method", say["method"], "method"),
            Column("seed", say["seed"], "count"),
            Column("epoch", say["epoch"], "count"),
            Column("accuracy", say["accuracy"], "percent", "accuracy_low", "accuracy_high"),
            Column("loss", say["loss"], "number"),
            Column("macro_f1", say["macro_f1"], "percent"),
            Column("kept", say["kept"], "flag"),
        ]
        return Section(
            "epochs",
            say["section_epochs"],
            say["lead_epochs"],
            pictures=self._pictures("epochs"),
            tables=[
                *self._table("main", columns, main),
                *self._table("runs", runs, self._rows("runs"), folded=True),
            ],
        )

    def transfer(self) -> Section:
        say = self.say
        columns = [
            Column("dataset", say["dataset"], "dataset"),
            Column("method", say["method"], "method"),
            Column("source_accuracy", self.style.dataset(self.source), "percent"),
            Column("accuracy", say["accuracy_there"], "percent", "accuracy_low", "accuracy_high"),
            Column("drop", say["drop"], "points", "drop_low", "drop_high"),
            Column("n", say["rows"], "count"),
        ]
        return Section(
            "transfer",
            say["section_transfer"],
            say["lead_transfer"].format(source=self.style.dataset(self.source)),
            pictures=self._pictures("transfer"),
            tables=self._table("transfer", columns),
        )

    def baselines(self) -> Section:
        say = self.say
        columns = [
            Column("method", say["method"], "method"),
            Column("accuracy", say["accuracy"], "percent", "accuracy_low", "accuracy_high"),
            Column("loss", say["loss"], "number"),
            Column("parameters", say["parameters"], "size"),
            Column("train_seconds", say["train_seconds"], "seconds"),
            Column("seeds", say["seeds"], "count"),
        ]
        return Section(
            "baselines",
            say["section_baselines"],
            say["lead_baselines"],
            tables=self._table("baselines", columns),
        )

    def cost(self) -> Section:
        say = self.say
        columns = [
            Column("method", say["method"], "method"),
            Column("accuracy", say["accuracy"], "percent"),
            Column("parameters", say["parameters"], "size"),
            Column("seconds_per_32", say["seconds_per_32"], "seconds"),
            Column("ms_per_million_parameters", say["ms_per_million"], "number"),
            Column("train_seconds", say["train_seconds"], "seconds"),
            Column("inference_examples_per_s", say["inference"], "number"),
            Column("peak_memory_bytes", say["memory"], "memory"),
            Column("on_frontier_parameters", say["frontier_parameters"], "flag"),
            Column("on_frontier_train_seconds", say["frontier_time"], "flag"),
            Column("on_frontier_inference", say["frontier_inference"], "flag"),
        ]
        return Section(
            "cost",
            say["section_cost"],
            say["lead_cost"],
            pictures=self._pictures("accuracy-time", "accuracy-parameters"),
            tables=self._table("efficiency", columns),
        )

    def calibration(self) -> Section:
        say = self.say
        columns = [
            Column("method", say["method"], "method"),
            Column("ece_mean", say["ece"], "percent"),
            Column("loss_mean", say["loss"], "number"),
            Column("brier_mean", say["brier"], "number"),
            Column("auc_mean", say["auc"], "number"),
            Column("mcc_mean", say["mcc"], "number"),
            Column("macro_f1_mean", say["macro_f1"], "percent"),
            Column("balanced_accuracy_mean", say["balanced_accuracy"], "percent"),
        ]
        frame = self._rows("summary")
        if len(frame):
            frame = frame[truth(frame["kept"])].sort_values("accuracy_mean", ascending=False)
        return Section(
            "calibration",
            say["section_calibration"],
            say["lead_calibration"],
            pictures=self._pictures("reliability"),
            tables=self._table("summary", columns, frame),
        )

    def errors(self) -> Section:
        say = self.say
        slices = [
            Column("method", say["method"], "method"),
            Column("slice", say["label"]),
            Column("accuracy", say["accuracy"], "percent", "low", "high"),
            Column("n", say["rows"], "count"),
        ]
        texts = [
            Column("text", say["text"], "prose"),
            Column("label", say["label"]),
            Column("wrong", say["wrong_methods"]),
            Column("mean_probability_of_label", say["probability_of_label"], "percent"),
            Column("why", say["why"]),
        ]
        by_label = self._rows("slices")
        if len(by_label):
            by_label = by_label[by_label["kind"] == "label"]
        frame = self._rows("errors").copy()
        if len(frame):
            frame["wrong"] = [
                f"{w} / {m}" for w, m in zip(frame["wrong_methods"], frame["methods"], strict=True)
            ]
            frame["why"] = [say.get(f"why_{why}", why) for why in frame["why"]]
        return Section(
            "errors",
            say["section_errors"],
            say["lead_errors"],
            pictures=self._pictures("lengths"),
            tables=[
                *self._table("errors", texts, frame),
                *self._table("slices", slices, by_label, folded=True),
            ],
        )

    def data(self) -> Section:
        parts = [*map(self._manifest, map(read_json, self.inputs.manifests))]
        parts += map(self._audit, map(read_json, self.inputs.audits))
        # a stable sort by the dataset's title keeps what belongs together together
        facts = [fact for part in parts for fact in part]
        datasets = list(dict.fromkeys(term.split(": ")[0] for term, _ in facts))
        facts.sort(key=lambda fact: datasets.index(fact[0].split(": ")[0]))
        return Section("data", self.say["section_data"], self.say["lead_data"], facts=facts)

    def published(self) -> Section:
        say, inputs = self.say, self.inputs
        findings: list[str] = []
        code = []
        if inputs.published_audit:
            audit = read_json(inputs.published_audit)
            findings = [str(f["sentence"]) for f in audit.get("findings", [])]
            code = [(say["audit_in_full"], json.dumps(audit, indent=2, ensure_ascii=False))]
        tables: list[Table] = []
        for name in ("claims", "column_match", "parameters", "published", "tokenizers"):
            frame = self._read(name)
            columns = plain_columns(
                frame, lambda key: say.get(f"column_{key}", key.replace("_", " "))
            )
            tables += self._table(name, columns, frame, folded=name == "published")
        return Section(
            "published",
            say["section_published"],
            say["lead_published"],
            sentences=findings,
            pictures=self._pictures("published"),
            tables=tables,
            code=code,
        )

    def provenance(self) -> Section:
        say = self.say
        facts = [
            (say["hardware"], self._distinct(lambda r: _hardware(r, say))),
            (say["precision"], self._distinct(lambda r: r["execution"].get("precision"))),
            (
                say["versions"],
                self._distinct(
                    lambda r: ", ".join(f"{k} {v}" for k, v in r["versions"].items() if v)
                ),
            ),
            (say["recipe"], self._distinct(_recipe)),
            (say["notes"], self._distinct(lambda r: "; ".join(r["execution"].get("notes") or []))),
        ]
        hashes = []
        for run in self.runs:
            made = ", ".join(f"{k} {v}" for k, v in (run.get("made_from") or {}).items() if v)
            hashes.append(f"{run['method']} seed {run['seed']}: {made}")
        for path in self.inputs.models:
            model = read_json(path)
            files = ", ".join(f"{k} {v}" for k, v in model.get("files", {}).items())
            revision = model.get("revision") or ""
            hashes.append(f"{model['model']} {revision}: {files}")
        config = yaml.safe_dump(_plain(self.inputs.config), sort_keys=False, allow_unicode=True)
        return Section(
            "provenance",
            say["section_provenance"],
            say["lead_provenance"],
            facts=[(term, text) for term, text in facts if text],
            code=[(say["config"], config), (say["hashes"], "\n".join(hashes))],
        )

    # --- parts ------------------------------------------------------------------------------

    def _pictures(self, *names: str) -> list[Picture]:
        return [self.pictures[name] for name in names if name in self.pictures]

    def _read(self, name: str) -> pd.DataFrame:
        path = self.inputs.tables.get(name)
        return read(path, []) if path else pd.DataFrame()

    def _rows(self, name: str) -> pd.DataFrame:
        """Rows of the source dataset."""
        frame = self._read(name)
        return frame[frame["dataset"] == self.source] if "dataset" in frame else frame

    def _table(
        self,
        name: str,
        columns: Sequence[Column],
        frame: pd.DataFrame | None = None,
        folded: bool = False,
    ) -> list[Table]:
        """The table in a list, or no table where there is nothing to show."""
        frame = self._rows_or_all(name) if frame is None else frame
        path = self.inputs.tables.get(name)
        if path is None or frame.empty:
            return []
        caption = self.say[f"table_{name}"]
        return [table(name, caption, frame, columns, path, self.style, folded)]

    def _rows_or_all(self, name: str) -> pd.DataFrame:
        return self._read(name) if name == "transfer" else self._rows(name)

    def _manifest(self, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        say = self.say
        title = self.style.dataset(manifest["dataset"])
        for split, labels in manifest["rows"].items():
            counts = ", ".join(f"{name} {n:,}" for name, n in labels.items())
            yield (
                f"{title}: {say.get(f'split_{split}', split)}",
                say["rows_of"].format(n=f"{sum(labels.values()):,}", counts=counts),
            )
        dropped = ", ".join(f"{why} {n:,}" for why, n in manifest.get("dropped", {}).items() if n)
        yield f"{title}: {say['dropped']}", dropped or say["none"]
        source = manifest.get("source") or {}
        origin = ", ".join(
            f"{k} {v}" for k, v in source.items() if v and not isinstance(v, (dict, list))
        )
        if manifest.get("license"):
            origin += f" · {manifest['license']}"
        yield f"{title}: {say['origin']}", origin

    def _audit(self, audit: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        say = self.say
        title = self.style.dataset(audit["dataset"])
        for split, facts in audit.get("splits", {}).items():
            words, twice = facts["words"], facts["duplicates"]
            yield (
                f"{title}: {say['audit']}, {say.get(f'split_{split}', split)}",
                say["audit_split"].format(
                    empty=f"{facts['empty']:,}",
                    duplicates=f"{twice['rows']:,}",
                    conflicting=f"{twice['conflicting_rows']:,}",
                    median=words["50"],
                    high=words["95"],
                    longest=f"{words['100']:,}",
                ),
            )
        leaks = audit.get("leaks") or {}
        if "train" in audit.get("splits", {}):
            sentence = say["leaks" if leaks.get("count") else "no_leaks"]
            yield f"{title}: {say['leaks_term']}", sentence.format(n=f"{leaks.get('count', 0):,}")

    def _distinct(self, fact: Callable[[Mapping[str, Any]], Any]) -> str:
        """All different values of a fact over the runs, in order."""
        values = [fact(run) for run in self.runs]
        return " · ".join(dict.fromkeys(str(v) for v in values if v))


def what_was_run(maker: Maker) -> list[tuple[str, str]]:
    """Facts for the first screen: rows, seeds, hardware, duration."""
    say, runs, config = maker.say, maker.runs, maker.inputs.config
    tested = maker._rows("ranking").get("n")
    facts = [(say["methods"], str(len(maker._rows("ranking"))))]
    if rows := max((run.get("rows") or 0 for run in runs), default=0):
        facts.append((say["training_rows"], f"{rows:,}"))
    if tested is not None and len(tested):
        facts.append((say["test_rows"], f"{int(tested.max()):,}"))
    facts.append((say["seeds"], str(len(config["seeds"]))))
    if hardware := maker._distinct(lambda run: _hardware(run, say)):
        facts.append((say["hardware"], hardware))
    if total := sum(run.get("train_seconds") or 0 for run in runs):
        facts.append((say["training_time"], numbers.duration(total)))
    return facts


def load_runs(paths: Sequence[Path]) -> list[dict[str, Any]]:
    return [read_json(path) for path in paths]


def _hardware(run: Mapping[str, Any], say: Mapping[str, str]) -> str:
    execution = run.get("execution") or {}
    name = execution.get("device_name") or execution.get("device") or ""
    threads = execution.get("threads")
    if execution.get("device") == "cpu" and threads:
        return say["cpu_threads"].format(name=name, n=threads)
    return str(name)


def _recipe(run: Mapping[str, Any]) -> str:
    if run.get("kind") != "finetune" or not run.get("recipe"):
        return ""
    return ", ".join(
        f"{k.replace('_', ' ')} {v}" for k, v in run["recipe"].items() if v is not None
    )


def _plain(value: Any) -> Any:
    """Config objects as plain dictionaries and lists, which YAML writes without tags."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
