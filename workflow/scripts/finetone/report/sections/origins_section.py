"""Sections on the origin of the results: data with its audit, runs, versions, hashes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import yaml

from finetone import numbers
from finetone.config.catalogue import restriction
from finetone.data.audit import rare
from finetone.errors import listed
from finetone.files import read_json, sha256
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column
from finetone.report.inputs import ReportInputs

Facts = Iterator[tuple[str, str]]


def what_was_run(maker: Maker) -> list[tuple[str, str]]:
    """Facts for the top of the report: rows, seeds, hardware, duration."""
    labels, runs = maker.labels, maker.runs
    ranking = maker.rows("ranking")
    facts = [(labels["methods"], str(len(ranking)))]
    if rows := max((run.get("rows") or 0 for run in runs), default=0):
        facts.append((labels["training_rows"], f"{rows:,}"))
    if "n" in ranking:
        facts.append((labels["test_rows"], f"{int(ranking['n'].max()):,}"))
    facts.append((labels["seeds"], str(len(maker.inputs.config["seeds"]))))
    if hardware := maker.distinct(lambda run: _hardware(run, labels)):
        facts.append((labels["hardware"], hardware))
    if total := sum(run.get("train_seconds") or 0 for run in runs):
        facts.append((labels["training_time"], numbers.duration(total)))
    return facts


def data(maker: Maker) -> Section:
    """Rows, origin and audit of every dataset."""
    labels = maker.labels
    audits = {audit["dataset"]: audit for audit in map(read_json, maker.inputs.audits)}
    facts: list[tuple[str, str]] = []
    for manifest in map(read_json, maker.inputs.manifests):
        title = maker.style.dataset(manifest["dataset"])
        stated = maker.inputs.config["datasets"].get(manifest["dataset"], {}).get("license")
        own = [*_manifest(manifest, stated, maker.labels)]
        own += _audit(audits.get(manifest["dataset"], {}), maker.labels)
        own += _rare(manifest["rows"], maker)
        facts += [(f"{title}{labels['colon']}{term}", text) for term, text in own]
    columns = [
        Column("method", labels["method"], "method"),
        Column("accuracy", labels["accuracy"], "percent"),
        Column("accuracy_unleaked", labels["accuracy_unleaked"], "percent"),
        Column("difference", labels["leaks_add"], "points", "low", "high"),
        Column("leaked_rows", labels["leaked_rows"], "count"),
        Column("accuracy_distinct", labels["accuracy_distinct"], "percent"),
        Column(
            "distinct_difference", labels["near_add"], "points", "distinct_low", "distinct_high"
        ),
        Column("near_rows", labels["near_rows"], "count"),
        Column("rows", labels["rows"], "count"),
    ]
    pairs = [
        Column("similarity", labels["similarity"], "percent"),
        Column("text", labels["text"], "prose"),
        Column("label", labels["label"]),
        Column("split", labels["split"]),
        Column("other_text", labels["other_text"], "prose"),
        Column("other_label", labels["label"]),
        Column("other_split", labels["split"]),
    ]
    near = maker.rows("near_duplicates")
    if len(near):
        words = {name: labels.get(f"split_{name}", name) for name in ("train", "dev", "test")}
        near = near.assign(
            split=near["split"].map(words), other_split=near["other_split"].map(words)
        )
        across = int((near["split"] != near["other_split"]).sum())
        key = "near_across" if across else "near_within"
        facts.append((labels["near_term"], labels[key].format(n=across or len(near))))
    leaks = maker.rows("leaks")
    counts = [name for name in ("leaked_rows", "near_rows") if name in leaks]
    tables = [
        # where no test row is like a training row, a table of zeros would say so again
        *maker.table("leaks", columns, leaks[(leaks[counts] > 0).any(axis=1)]),
        *maker.table("near_duplicates", pairs, near, folded=True),
    ]
    return Section("data", labels["section_data"], labels["lead_data"], facts=facts, tables=tables)


def provenance(maker: Maker) -> Section:
    """Hardware, versions, recipe, configuration and hashes."""
    labels = maker.labels
    facts = [
        (labels["hardware"], maker.distinct(lambda run: _hardware(run, labels))),
        (labels["precision"], maker.distinct(lambda run: _execution(run).get("precision"))),
        (labels["versions"], _versions(maker.runs)),
        (labels["recipe"], maker.distinct(_recipe)),
        (
            labels["notes"],
            maker.distinct(lambda run: "; ".join(_execution(run).get("notes") or [])),
        ),
    ]
    hashes = [
        f"{run['method']} seed {run['seed']}: {_listed(run.get('made_from'))}" for run in maker.runs
    ]
    entries = maker.inputs.config["models"]
    for model in map(read_json, maker.inputs.models):
        title, source = maker.style.title(model["model"]), model.get("source") or {}
        licence = entries.get(model["model"], {}).get("license") or source.get("license")
        facts.append((f"{title}{labels['colon']}{labels['origin']}", _origin(source, licence)))
        if text := _new_weights(model, labels):
            facts.append((f"{title}{labels['colon']}{labels['random_layers']}", text))
        if text := _licence(model, labels):
            facts.append((title, text))
        if "intermediate" in model:
            facts.append((title, _intermediate(model, labels)))
        if "sha256" in source:
            hashes.append(f"{model['model']}, origin: {source['sha256']}")
        name = f"{model['model']} {model.get('revision') or ''}".strip()
        hashes.append(f"{name}: {_listed(model.get('files'))}")
    for manifest in map(read_json, maker.inputs.manifests):
        if "sha256" in manifest["source"]:
            hashes.append(f"{manifest['dataset']}, origin: {manifest['source']['sha256']}")
    hashes += [f"{name}: {sha256(path)}" for name, path in _files(maker.inputs)]
    config = yaml.safe_dump(_plain(maker.inputs.config), sort_keys=False, allow_unicode=True)
    return Section(
        "provenance",
        labels["section_provenance"],
        labels["lead_provenance"],
        facts=[(term, text) for term, text in facts if text],
        code=[(labels["config"], config), (labels["hashes"], "\n".join(hashes))],
    )


def _files(inputs: ReportInputs) -> Iterator[tuple[str, Path]]:
    """All other inputs of the report, by their path in the experiment's folder."""
    for manifest in inputs.manifests:
        yield f"data/{manifest.parent.name}/{manifest.name}", manifest
    for audit in inputs.audits:
        yield f"audit/{audit.name}", audit
    for run in inputs.runs:
        yield "/".join(["runs", *run.parts[-3:]]), run
    for name, table in inputs.tables.items():
        yield f"tables/{name}.csv", table
    for name, figure in inputs.figures.items():
        yield f"figures/{name}.svg", figure
    if inputs.published_audit:
        yield "published/audit.json", inputs.published_audit


def _manifest(manifest: Mapping[str, Any], stated: str | None, labels: Mapping[str, str]) -> Facts:
    for split, rows in manifest["rows"].items():
        counts = listed(f"{name} {n:,}" for name, n in rows.items())
        total = f"{sum(rows.values()):,}"
        yield labels.get(f"split_{split}", split), labels["rows_of"].format(n=total, counts=counts)
    dropped = [
        f"{labels.get(f'dropped_{why}', why)}{labels['colon']}{n:,}"
        for why, n in manifest["dropped"].items()
        if n
    ]
    yield labels["dropped"], labels["comma"].join(dropped) or labels["none"]
    yield labels["origin"], _origin(manifest["source"], stated or manifest.get("license"))


def _origin(source: Mapping[str, Any], licence: str | None) -> str:
    """What a manifest's `source` says, and the licence if it is known; hashes are listed elsewhere."""
    facts = {key: value for key, value in source.items() if not isinstance(value, (dict, list))}
    for elsewhere in ("kind", "license", "sha256"):
        facts.pop(elsewhere, None)
    if "path" in facts:  # where it is on this machine is nobody else's business
        facts["path"] = PurePath(facts["path"]).name
    if parts := source.get("parts"):
        facts["requirement"] = " + ".join(part["requirement"] for part in parts)
    return " · ".join(filter(None, (source.get("kind"), _listed(facts), licence)))


def _audit(audit: Mapping[str, Any], labels: Mapping[str, str]) -> Facts:
    for split, facts in audit.get("splits", {}).items():
        words, twice = facts["words"], facts["duplicates"]
        yield (
            f"{labels['audit']}{labels['comma']}{labels.get(f'split_{split}', split)}",
            labels["audit_split"].format(
                empty=f"{facts['empty']:,}",
                duplicates=f"{twice['rows']:,}",
                conflicting=f"{twice['conflicting_rows']:,}",
                median=words["50"],
                high=words["95"],
                longest=f"{words['100']:,}",
            ),
        )
    if "train" in audit.get("splits", {}):
        count = audit["leaks"]["count"]
        yield labels["leaks_term"], labels["leaks" if count else "no_leaks"].format(n=f"{count:,}")


def _rare(rows: Mapping[str, dict[str, int]], maker: Maker) -> Facts:
    """A word on classes with so few rows that the accuracy hardly depends on them."""
    if maker.inputs.config.get("compare", {}).get("metric", "accuracy") != "accuracy":
        return
    for split, labels in rows.items():
        if found := rare(labels):
            yield (
                maker.labels["rare"],
                maker.labels["rare_labels"].format(
                    split=maker.labels.get(f"split_{split}", split), names=", ".join(found)
                ),
            )


def _execution(run: Mapping[str, Any]) -> Mapping[str, Any]:
    return run.get("execution") or {}


def _hardware(run: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    execution = _execution(run)
    name = execution.get("device_name") or execution.get("device") or ""
    threads = execution.get("threads")
    if execution.get("device") == "cpu" and threads:
        return labels["cpu_threads"].format(name=name, n=threads)
    return str(name)


def _new_weights(model: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Which parts of a pretrained model are not; empty where earlier versions did not record it."""
    missing, new = (_modules(model.get(key) or []) for key in ("missing_keys", "new_keys"))
    if not missing + new or model.get("weights") == "random":
        return ""
    names = ", ".join(sorted({*new, *missing}))
    key = "new_and_missing_weights" if missing else "new_weights"
    return labels[key].format(names=names, missing=", ".join(missing))


def _licence(model: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """A model's licence, if it restricts use; else empty."""
    licence = (model.get("source") or {}).get("license") or ""
    return labels["restricted_licence"].format(licence=licence) if restriction(licence) else ""


def _modules(weights: list[str]) -> list[str]:
    return sorted({name.rpartition(".")[0] or name for name in weights})


def _intermediate(model: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    task = model["intermediate"]
    return labels["intermediate"].format(
        base=model["source"]["from"],
        data=task["dataset"],
        revision=task["revision"][:12],
        questions=f"{task['train_questions']:,}",
        epochs=task["epochs"],
        exact_match=f"{100 * task['exact_match']:.1f}",
        f1=f"{100 * task['f1']:.1f}",
        validation=f"{task['validation_questions']:,}",
    )


def _recipe(run: Mapping[str, Any]) -> str:
    return _listed(run.get("recipe")).replace("_", " ") if run.get("kind") == "finetune" else ""


def _listed(facts: Mapping[str, Any] | None) -> str:
    known = {key: value for key, value in (facts or {}).items() if not numbers.missing(value)}
    return ", ".join(f"{key} {numbers.setting(value)}" for key, value in known.items())


def _versions(runs: Sequence[Mapping[str, Any]]) -> str:
    """Every package once, with all versions of it that some run had."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for package, version in (run.get("versions") or {}).items():
            found.setdefault(package, {})[str(version)] = None
    return ", ".join(f"{package} {' / '.join(versions)}" for package, versions in found.items())


def _plain(value: Any) -> Any:
    """Config objects as plain dictionaries and lists, which YAML writes without tags."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
