"""What is made again when a key of the configuration changes: docs/reruns.md is the table of it.

Every key of the schema is changed on results that are complete and current, and the jobs of a dry
run are compared with the table.
"""

import contextlib
import copy
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from finetone.files import write_json
from finetone.provenance import Provenance, record_csv, seal
from tests.tiny import write_bert
from tests.unit.synthetic_results import FIGURES
from tests.workflow.dry import Job, dry_run
from tests.workflow.snake import ROOT

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
NOTHING = json.dumps({"folder": ".", "fingerprint": ""})  # for what has no record
GONE = object()  # a key taken away
COMMIT, OTHER = "a" * 40, "b" * 40
WHEEL = b"not really a wheel: nothing here opens it"
SHA256 = hashlib.sha256(WHEEL).hexdigest()

ORDERED = {"datasets", "models", "baselines"}  # whose order is that of tables and figures

# The first stage that runs again, from the page back to the data.
STAGES = {
    "labels": r"label_texts",
    "page": r"report",
    "figures": r"draw_(?!subset)\w+",
    "tables": r"\w+_tables?|results|export_checkpoints|judge_claims|match_published|audit_published",
    "exports": r"\w+_export|export_onnx",
    "measurements": r"speed(_padded)?|tokenizer_statistics|audit_dataset|near_duplicates",
    "predictions": r"evaluate|transfer|predict_(baseline|probe|ensemble)(_dev)?|predict_dev|fit_temperature"
    r"|predict_\w*fold|pool_folds",
    "learning curve": r"\w+_on_subset|predict_\w*curve",
    "training": r"finetune|train_network|fit_baseline|fit_probe|gather_ensemble",
    "tuning": r"try_\w+|promote_trial|choose_setting",
    "embeddings": r"embed",
    "tokens": r"tokenize",
    "question answering": r"intermediate",
    "model": r"download_model|download_questions",
    "row subsets": r"draw_subset",
    "data": r"download_dataset",
}
DOWNLOADS = {"download_wheel", "download_dataset", "download_model", "download_questions"}
# All that compare methods; each method has a picture of its own training as well.
PICTURES = {f"draw_{name.replace('-', '_')}" for name in [*FIGURES, "published"]}
PIECES = [
    {"requirement": f"piece{i}==1", "sha256": f"{i}" * 64, "member": f"a.zip.{i}"} for i in (1, 2)
]
# key: (its place in the configuration below, another value)
CHANGES: dict[str, tuple[str, Any]] = {
    "experiment": ("experiment", "other"),
    "title": ("title", "Another title"),
    "seeds": ("seeds", [1, 2, 3]),
    "source": ("source", "games"),
    "transfer": ("transfer", ["books"]),
    "tested_epochs": ("tested_epochs", "kept"),
    "max_length": ("max_length", 48),
    "recipe.epochs": ("recipe.epochs", 4),
    "recipe.batch_size": ("recipe.batch_size", 8),
    "recipe.learning_rate": ("recipe.learning_rate", 1e-4),
    "recipe.weight_decay": ("recipe.weight_decay", 0.1),
    "recipe.decay_bias_and_norm": ("recipe.decay_bias_and_norm", False),
    "recipe.schedule": ("recipe.schedule", "linear"),
    "recipe.warmup": ("recipe.warmup", 0.1),
    "recipe.clip_norm": ("recipe.clip_norm", 1.0),
    "recipe.choose_epoch": ("recipe.choose_epoch", "dev"),
    "recipe.class_weights": ("recipe.class_weights", "balanced"),
    "recipe.label_smoothing": ("recipe.label_smoothing", 0.1),
    "tune.learning_rate": ("tune.learning_rate", [1e-5, 2e-5, 3e-5]),
    "tune.epochs": ("tune.epochs", [1, 3]),
    "tune.batch_size": ("tune.batch_size", [4, 8]),
    "tune.seed": ("tune.seed", 1),
    "tune.rows": ("tune.rows", 20),
    "tune.halving": ("tune.halving", True),
    "learning_curve.rows": ("learning_curve.rows", [10, 20]),
    "learning_curve.methods": ("learning_curve.methods", ["own", "tfidf"]),
    "learning_curve.seeds": ("learning_curve.seeds", [1, 7]),
    "engine.padding_free": ("engine.padding_free", "off"),
    "engine.precision": ("engine.precision", "fp32"),
    "engine.compile": ("engine.compile", "off"),
    "datasets.*.title": ("datasets.films.title", "The films"),
    "datasets.*.license": ("datasets.films.license", "CC0"),
    "datasets.*.hub.id": ("datasets.books.hub.id", "other/books"),
    "datasets.*.hub.revision": ("datasets.books.hub.revision", OTHER),
    "datasets.*.hub.config": ("datasets.books.hub.config", "large"),
    "datasets.*.wheel.requirement": ("datasets.plays.wheel.requirement", "plays==2"),
    "datasets.*.wheel.parts": (
        "datasets.plays.wheel",
        {"parts": PIECES, "sha256": "3" * 64, "member": {"test": "plays.csv"}},
    ),
    "datasets.*.wheel.sha256": ("datasets.plays.wheel.sha256", "1" * 64),
    "datasets.*.wheel.member": ("datasets.plays.wheel.member", {"train": "a.csv", "test": "b.csv"}),
    "datasets.*.wheel.folder": ("datasets.plays.wheel.folder", "nobody/reads/this"),
    "datasets.*.file": ("datasets.films.file", "other.csv"),
    "datasets.*.separator": ("datasets.films.separator", ","),
    "datasets.*.encoding": ("datasets.films.encoding", "cp1252"),
    "datasets.*.where": ("datasets.films.where", {"part": "train"}),
    "datasets.*.missing_labels": ("datasets.films.missing_labels", "drop"),
    "datasets.*.split.column": ("datasets.films.split", {"column": "part"}),
    "datasets.*.splits.train": ("datasets.books.splits.train", "training"),
    "datasets.*.splits.test": ("datasets.books.splits.test", "testing"),
    "datasets.*.splits.dev": ("datasets.books.splits.dev", "validation"),
    "datasets.*.text": ("datasets.films.text", "body"),
    "datasets.*.label": ("datasets.films.label", "tone"),
    "datasets.*.labels": ("datasets.*.labels", ["bad", "good"]),
    "datasets.*.label_values": ("datasets.films.label_values", {"0": "neg", "1": "pos"}),
    "datasets.*.threshold": ("datasets.films.threshold", 0.5),
    "datasets.*.split.test": ("datasets.films.split.test", 0.3),
    "datasets.*.split.dev": ("datasets.films.split.dev", 0.2),
    "datasets.*.split.seed": ("datasets.films.split.seed", 1),
    "datasets.*.split.near_duplicates": ("datasets.films.split.near_duplicates", "together"),
    "datasets.*.sample.train": ("datasets.films.sample.train", 20),
    "datasets.*.sample.test": ("datasets.films.sample.test", 5),
    "datasets.*.sample.dev": ("datasets.films.sample.dev", 5),
    "datasets.*.sample.seed": ("datasets.films.sample.seed", 1),
    "models.*.license": ("models.hubbed.license", "MIT"),
    "models.*.title": ("models.hubbed.title", "From the hub"),
    "models.*.colour": ("models.hubbed.colour", "#123456"),
    "models.*.group": ("models.hubbed.group", {"family": "BERT"}),
    "models.*.hub.id": ("models.hubbed.hub.id", "other/model"),
    "models.*.hub.revision": ("models.hubbed.hub.revision", OTHER),
    "models.*.wheel.requirement": ("models.packed.wheel.requirement", "model==2"),
    "models.*.wheel.parts": (
        "models.packed.wheel",
        {"parts": PIECES, "sha256": "3" * 64, "folder": "model"},
    ),
    "models.*.wheel.sha256": ("models.packed.wheel.sha256", "1" * 64),
    "models.*.wheel.member": ("models.packed.wheel.member", "nobody/reads/this"),
    "models.*.wheel.folder": ("models.packed.wheel.folder", "other"),
    "models.*.path": ("models.own.path", "other-bert"),
    "models.*.scratch.like": ("models.random.scratch.like", "own"),
    "models.*.scratch.config": ("models.random.scratch.config", {"num_hidden_layers": 1}),
    "models.*.intermediate.from": ("models.asked.intermediate.from", "own"),
    "models.*.intermediate.hub.id": ("models.asked.intermediate.hub.id", "other/questions"),
    "models.*.intermediate.hub.revision": ("models.asked.intermediate.hub.revision", OTHER),
    "models.*.intermediate.hub.config": ("models.asked.intermediate.hub.config", "large"),
    "models.*.intermediate.epochs": ("models.asked.intermediate.epochs", 1),
    "models.*.intermediate.batch_size": ("models.asked.intermediate.batch_size", 8),
    "models.*.intermediate.learning_rate": ("models.asked.intermediate.learning_rate", 1e-3),
    "models.*.intermediate.max_length": ("models.asked.intermediate.max_length", 256),
    "models.*.intermediate.stride": ("models.asked.intermediate.stride", 64),
    "models.*.intermediate.seed": ("models.asked.intermediate.seed", 1),
    "models.*.intermediate.rows": ("models.asked.intermediate.rows", 100),
    "models.*.keep_layers": ("models.own.keep_layers", 1),
    "models.*.allow_missing": ("models.own.allow_missing", ["pooler"]),
    "models.*.allow_unexpected": ("models.own.allow_unexpected", ["decoder"]),
    "models.*.recipe.epochs": ("models.own.recipe.epochs", 4),
    "models.*.recipe.batch_size": ("models.own.recipe.batch_size", 8),
    "models.*.recipe.learning_rate": ("models.own.recipe.learning_rate", 1e-4),
    "models.*.recipe.weight_decay": ("models.own.recipe.weight_decay", 0.1),
    "models.*.recipe.decay_bias_and_norm": ("models.own.recipe.decay_bias_and_norm", False),
    "models.*.recipe.schedule": ("models.own.recipe.schedule", "linear"),
    "models.*.recipe.warmup": ("models.own.recipe.warmup", 0.1),
    "models.*.recipe.clip_norm": ("models.own.recipe.clip_norm", 1.0),
    "models.*.recipe.choose_epoch": ("models.own.recipe.choose_epoch", "dev"),
    "models.*.recipe.class_weights": ("models.own.recipe.class_weights", "balanced"),
    "models.*.recipe.label_smoothing": ("models.own.recipe.label_smoothing", 0.1),
    "models.*.tune.learning_rate": ("models.own.tune", {"learning_rate": [1e-6, 2e-6]}),
    "models.*.tune.epochs": ("models.own.tune", {"epochs": [1, 3]}),
    "models.*.tune.batch_size": ("models.own.tune", {"batch_size": [4, 8], "epochs": [1]}),
    "baselines.*.title": ("baselines.tfidf.title", "Words"),
    "baselines.*.colour": ("baselines.tfidf.colour", "#123456"),
    "baselines.*.group": ("baselines.tfidf.group", {"family": "linear"}),
    "baselines.*.kind": ("baselines.lstm.kind", "textcnn"),
    "baselines.*.threshold": ("baselines.lexicon.threshold", 0.1),
    "baselines.*.ngrams": ("baselines.tfidf.ngrams", 3),
    "baselines.*.min_count": ("baselines.tfidf.min_count", 3),
    "baselines.*.C": ("baselines.tfidf.C", 1.0),
    "baselines.*.vocabulary": ("baselines.lstm.vocabulary", 1000),
    "baselines.*.embedding": ("baselines.lstm.embedding", 16),
    "baselines.*.hidden": ("baselines.lstm.hidden", 16),
    "baselines.*.dropout": ("baselines.lstm.dropout", 0.1),
    "baselines.*.epochs": ("baselines.lstm.epochs", 1),
    "baselines.*.batch_size": ("baselines.lstm.batch_size", 8),
    "baselines.*.learning_rate": ("baselines.lstm.learning_rate", 1e-2),
    "baselines.*.weight_decay": ("baselines.lstm.weight_decay", 0.1),
    "baselines.*.clip_norm": ("baselines.lstm.clip_norm", None),
    "baselines.*.model": ("baselines.probe.model", "own"),
    "baselines.*.pooling": ("baselines.probe.pooling", "first"),
    "baselines.*.of": ("baselines.mean.of", "packed"),
    "probe.models": ("probe.models", ["packed", "own"]),
    "probe.pooling": ("probe.pooling", "last"),
    "probe.C": ("probe.C", 0.1),
    "ensemble.models": ("ensemble.models", ["packed", "own"]),
    "baselines.*.class_weights": ("baselines.lstm.class_weights", "balanced"),
    "baselines.*.label_smoothing": ("baselines.tfidf.label_smoothing", 0.1),
    "baselines.*.tune.learning_rate": ("baselines.lstm.tune", {"learning_rate": [1e-4, 1e-2]}),
    "baselines.*.tune.epochs": ("baselines.lstm.tune", {"epochs": [1, 3]}),
    "baselines.*.tune.batch_size": ("baselines.lstm.tune", {"batch_size": [4, 8], "epochs": [1]}),
    "baselines.*.tune.C": ("baselines.tfidf.tune", {"C": [1, 2, 3, 4]}),
    "compare.baseline": ("compare.baseline", "tfidf"),
    "compare.metric": ("compare.metric", "macro_f1"),
    "compare.margin": ("compare.margin", 0.5),
    "compare.confidence": ("compare.confidence", 0.9),
    "compare.resamples": ("compare.resamples", 500),
    "compare.seed": ("compare.seed", 1),
    "compare.seed_sd": ("compare.seed_sd", 0.5),
    "label.*.file": ("label.inbox.file", "other.csv"),
    "label.*.text": ("label.inbox.text", "body"),
    "label.*.method": ("label.inbox.method", "tfidf"),
    "label.*.seed": ("label.inbox.seed", "mean"),
    "label.*.separator": ("label.inbox.separator", ","),
    "label.*.encoding": ("label.inbox.encoding", "cp1252"),
    "export": ("export", ["own", "packed"]),
    "report.language": ("report.language", "zh"),
    "report.published": ("report.published", "other-table"),
    "pathvars.results": ("pathvars.results", "elsewhere"),
    "resources.*.threads": ("resources.finetune.threads", 2),
    "resources.*.mem_mb": ("resources.finetune.mem_mb", 1234),
    "resources.*.runtime": ("resources.finetune.runtime", 12),
    "resources.*.gpu": ("resources.finetune.gpu", 0),
}


# keys of cross-validation, which none of the sources above has: what has a test split is not divided
OF_FOLDS = {"datasets.*.split.folds": ("folds", 4), "datasets.*.split.repeats": ("repeats", 2)}


def keys(schema: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Dotted names of all keys that a part of the schema allows; `*` is for a name users choose."""
    if "$ref" in schema:
        target = SCHEMA
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **schema}
    inner = [(k, v) for k, v in schema.get("properties", {}).items() if v is not True]
    for branch in schema.get("oneOf", []):  # a key may stand in several of them
        inner += [(k, v) for k, v in branch["properties"].items() if isinstance(v, dict) and "const" not in v]  # fmt: skip
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict) and "object" in rest.get("type", ""):
        inner.append(("*", rest))
    found = [name for key, part in inner for name in keys(part, (*path, key))]
    return list(dict.fromkeys(found)) or [".".join(path)]


def write_table(path: Path, about: str) -> Path:
    """A file with a column for every key that names one: its first rows are looked at."""
    lines = [
        f"{about} {i},{i % 2},{about} of {i},{i % 2},{'test' if i % 5 else 'train'}"
        for i in range(300)
    ]
    path.write_text("\n".join(["review,mood,body,tone,part", *lines, ""]))
    return path


def everything(folder: Path) -> dict:
    """An experiment with an entry of every kind, and the files that it names, in `folder`."""
    rows = write_table(folder / "films.csv", "a film")
    write_table(folder / "other.csv", "another")
    write_bert(folder / "bert")
    write_bert(folder / "other-bert", seed=1)
    for table in ("table", "other-table"):
        (folder / table).mkdir()
        (folder / table / "published.csv").write_text(f"model,accuracy\n{table},0.9\n")
    columns = {"text": "review", "label": "mood", "labels": ["neg", "pos"]}
    hub = {"id": "some/questions", "revision": COMMIT}
    return {
        "experiment": "all",
        "title": "All kinds",
        "seeds": [1, 3],
        "source": "films",
        "transfer": ["books", "plays"],
        "max_length": 64,
        "recipe": {"epochs": 2},
        "datasets": {
            "films": {
                "file": str(rows.name), **columns,
                "split": {"test": 0.2, "dev": 0.1}, "sample": {"train": 30},
            },
            "books": {
                "hub": {"id": "some/books", "revision": COMMIT}, **columns,
                "splits": {"train": "train", "test": "test"},
            },
            "plays": {
                "wheel": {
                    "requirement": "plays==1", "sha256": SHA256,
                    "member": {"train": "plays.csv", "test": "test.csv"},
                },
                **columns,
            },
            "games": {"file": {"train": "films.csv", "test": "other.csv"}, **columns},
        },
        "models": {
            "hubbed": {"hub": {"id": "some/model", "revision": COMMIT}},
            "packed": {"wheel": {"requirement": "model==1", "sha256": SHA256, "folder": "m"}},
            "own": {"path": "bert"},
            "random": {"scratch": {"like": "packed"}},
            "asked": {"intermediate": {"from": "packed", "hub": hub}},
        },
        "baselines": {
            "majority": {"kind": "majority"},
            "lexicon": {"kind": "lexicon"},
            "tfidf": {"kind": "tfidf"},
            "lstm": {"kind": "bilstm"},
            "probe": {"kind": "probe", "model": "packed", "pooling": "mean", "C": 1.0},
            "mean": {"kind": "ensemble", "of": "own"},
        },
        "probe": {"models": ["packed"], "C": 1.0},
        "ensemble": {"models": ["packed"]},
        "label": {"inbox": {"file": "films.csv"}},
        "export": ["packed"],
        "report": {"published": "table"},
    }  # fmt: skip


def changed(config: dict, place: str, value: Any) -> dict:
    """A copy of `config` with another value at a dotted place; `*` is every name there is."""
    config = copy.deepcopy(config)
    blocks = [config]
    *inner, last = place.split(".")
    for key in inner:
        blocks = [b for each in blocks for b in (each.values() if key == "*" else [each.setdefault(key, {})])]  # fmt: skip
    for block in blocks:
        block.pop(last, None)
        if value is not GONE:
            block[last] = value
    return config


def write_records(jobs: list[Job]) -> None:
    """In place of all that `jobs` would make, write files that hold nothing but their record."""
    for job in jobs:
        for file in map(Path, job.output):
            # one of several tables may have its own record, as in write_table.py
            own = "csv" if file.stem == "published" else file.stem
            name = own if file.suffix == ".csv" and own in job.params else "settings"
            about = Provenance.of_job(job.params.get(name, NOTHING), job.input)
            write_record(file, about)
    now = time.time()
    for file in Path("results").rglob("*"):
        os.utime(file, (now, now))


def write_record(file: Path, about: Provenance) -> None:
    """A file, or a folder with a manifest, that holds `about` as its format does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(about.as_dict()).encode()
    match file.suffix:
        case ".whl":
            file.write_bytes(WHEEL)
        case ".parquet":
            file.write_bytes(text + len(text).to_bytes(4, "little") + b"PAR1")
        case ".arrow":
            file.write_bytes(text + len(text).to_bytes(4, "little") + b"ARROW1")
        case ".csv":
            file.touch()
            record_csv(file, about)
        case ".svg" | ".html":
            file.touch()
            seal(file, about)
        case ".json":
            write_json(file, about.as_dict())
        case _:
            file.mkdir()
            write_json(file / "manifest.json", about.as_dict())


# What is changed where settings are tried and curves drawn, which most experiments do not.
TUNED = {
    "tune": {"learning_rate": [1e-5, 2e-5], "epochs": [1, 2]},
    "learning_curve": {"rows": [10]},
}


def current(folder: Path, **more: Any) -> tuple[Path, dict]:
    """(folder, config) of an experiment with every kind of entry, all of it current."""
    config = everything(folder) | more
    jobs = dry_run(folder, config)
    with contextlib.chdir(folder):
        write_records(jobs)
    assert dry_run(folder, config) == []
    return folder, config


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return current(tmp_path_factory.mktemp("all"))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    return current(tmp_path_factory.mktemp("tuned"), **TUNED)


def stage(jobs: list[Job]) -> str:
    """The first stage that runs again, and for which methods if it is some alone."""
    found = {
        name: [job for job in jobs if re.fullmatch(pattern, job.rule)]
        for name, pattern in STAGES.items()
    }
    assert sum(map(len, found.values())) + sum(j.rule == "download_wheel" for j in jobs) == len(
        jobs
    )
    return next((name for name in reversed(STAGES) if found[name]), "nothing")


def documented() -> dict[str, str]:
    """{key: first stage} of the table in docs/reruns.md: the longest stage its second cell begins
    with."""
    found = {}
    for line in (ROOT / "docs/reruns.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and cells[0].startswith("`"):
            first = next(name for name in [*STAGES, "nothing"] if cells[1].startswith(name))
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), first)
    return found


def test_the_table_names_every_key_of_the_schema():
    assert sorted(documented()) == sorted(keys(SCHEMA)) == sorted([*CHANGES, *OF_FOLDS])


@pytest.mark.parametrize("key", CHANGES)
def test_a_changed_key_makes_again_what_the_table_says(request, key):
    place, value = CHANGES[key]
    needs_tuning = {*TUNED} & {*place.split(".")}
    folder, config = request.getfixturevalue("tuned" if needs_tuning else "complete")
    jobs = dry_run(folder, changed(config, place, value))
    assert stage(jobs) == documented()[key], sorted({job.rule for job in jobs})
    name = place.split(".")[1] if place.startswith(("models.", "baselines.")) else None
    if name and stage(jobs) not in ("nothing", "page", "figures", "tables"):
        packed = {"random", "asked", "probe", "packed-probe", "packed-ensemble"}
        made_of_it = {"packed": packed, "own": {"mean"}}.get(name, set())
        methods = {
            job.wildcards.get("model") or job.wildcards.get("method")
            for job in jobs
            if job.rule != "embed"  # for a probe, with the model that it reads with
        }
        assert methods - {None} == {name} | made_of_it, "one method's chain"


def backwards(block: Any, ordered: bool = False) -> Any:
    """The same mapping with its keys from the last to the first, at all depths; `ordered` stay."""
    if not isinstance(block, dict):
        return block
    names = [*block] if ordered else [*reversed(block)]
    return {name: backwards(block[name], name in ORDERED) for name in names}


def test_the_same_settings_in_other_words_make_nothing_again(tuned):
    """Key order, defaults that are spelled out, one value without its list, 2e-5 for 2.0e-5."""
    folder, config = tuned
    methods = [*config["models"], "packed-probe", "tfidf", "lstm", "probe"]
    spelled = {
        "recipe": {"learning_rate": "2e-5", "class_weights": None, "label_smoothing": 0},
        "tune": {"learning_rate": ["1e-5", "2e-5"], "seed": 0, "rows": None, "halving": False},
        "learning_curve": {"rows": 10, "seeds": [1, 3], "methods": methods},
        "probe": {"C": 1, "pooling": "auto"},
        "label": {"inbox": {"file": "films.csv", "text": None, "method": None, "seed": None}},
        "export": "packed",
    }
    same = {key: config.get(key, {}) for key in spelled}
    same = {k: v | same[k] | v if isinstance(v, dict) else v for k, v in spelled.items()}
    same = config | same
    for place, value in {
        "models.own.tune": {"epochs": [2, 1]},
        "models.own.recipe": {"label_smoothing": 0.0},
        "baselines.lstm.label_smoothing": 0.0,
        "baselines.lstm.class_weights": None,
        "baselines.tfidf.C": 10,
        "baselines.probe.label_smoothing": 0,
        "datasets.films.split.seed": 0,
        "datasets.films.missing_labels": "refuse",
    }.items():
        same = changed(same, place, value)
    again = {job.rule for job in dry_run(folder, backwards(same))}
    # the list of all choices names what an entry gives itself
    assert again <= {"deviations_table", "report"}


def test_where_settings_are_tried_these_come_first(tuned):
    """What docs/reruns.md says below its table of keys."""
    folder, config = tuned
    for place, value, first in (
        ("recipe.weight_decay", 0.1, "tuning"),
        ("recipe.learning_rate", 1e-4, "page"),  # others are tried instead
        ("compare.metric", "macro_f1", "tuning"),
        ("seeds", [1, 2, 3], "row subsets"),
    ):
        jobs = dry_run(folder, changed(config, place, value))
        assert stage(jobs) == first, place
        tried = {job.rule for job in jobs} & {"try_model", "try_network", "try_baseline"}
        assert tried == ({"try_model"} if place == "recipe.weight_decay" else set())


def test_the_metric_fits_probes_again_whose_strength_it_chooses(complete):
    folder, config = complete
    free = changed(config, "probe.C", None)
    before = {job.rule for job in dry_run(folder, free)}
    jobs = dry_run(folder, changed(free, "compare.metric", "macro_f1"))
    assert {job.wildcards["method"] for job in jobs if job.rule == "fit_probe"} == {"packed-probe"}
    settings = next(job.params["settings"] for job in jobs if job.rule == "fit_probe")
    assert "fit_probe" in before and json.loads(settings)["settings"]["choose_by"] == "macro_f1"
    assert not {"embed", "finetune"} & {job.rule for job in jobs}


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    """(folder, config) of a cross-validated experiment, all of it current."""
    folder = tmp_path_factory.mktemp("folds")
    write_table(folder / "films.csv", "a film")
    write_bert(folder / "bert")
    columns = {"text": "review", "label": "mood", "labels": ["neg", "pos"]}
    config = {
        "experiment": "folds",
        "seeds": [1],
        "source": "films",
        "datasets": {"films": {"file": "films.csv", **columns, "split": {"folds": 3}}},
        "models": {"own": {"path": "bert"}},
        "baselines": {"tfidf": {"kind": "tfidf"}},
    }
    jobs = dry_run(folder, config)
    with contextlib.chdir(folder):
        write_records(jobs)
    assert dry_run(folder, config) == []
    return folder, config


@pytest.mark.parametrize("key", OF_FOLDS)
def test_other_folds_train_and_test_anew_on_the_same_data(validated, key):
    folder, config = validated
    name, value = OF_FOLDS[key]
    jobs = dry_run(folder, changed(config, f"datasets.films.split.{name}", value))
    assert stage(jobs) == documented()[key]
    rules = [job.rule for job in jobs]
    assert not {"finetune", "fit_baseline", "tokenize"} & set(rules), "models of all rows stay"
    # four folds are all new; of two repeats of three folds, the second
    assert rules.count("finetune_on_subset") == {"folds": 4, "repeats": 3}[name]


@pytest.mark.parametrize("of", ["tuned", "validated"])
def test_fetch_makes_all_that_needs_the_network_and_nothing_else(request, tmp_path, of):
    _, config = request.getfixturevalue(of)
    write_table(tmp_path / "films.csv", "a film")
    for name in ("bert", "other-bert"):
        write_bert(tmp_path / name)
    write_table(tmp_path / "other.csv", "another")
    config = config | {"report": {}}
    jobs = dry_run(tmp_path, config, "fetch")
    assert {job.rule for job in jobs} - {"fetch"} <= DOWNLOADS
    with contextlib.chdir(tmp_path):
        write_records([job for job in jobs if job.rule != "fetch"])
    assert not {job.rule for job in dry_run(tmp_path, config)} & DOWNLOADS


def test_one_fold_can_be_made_alone(validated):
    folder, config = validated
    target = "results/folds/subset_predictions/repeat1-fold2/own/seed2.parquet"
    jobs = dry_run(folder, config | {"seeds": [1, 2]}, target)
    assert [job.rule for job in jobs] == ["finetune_on_subset", "predict_fold"]


@pytest.mark.parametrize(
    ("place", "pictures"),
    [
        ("datasets.books.title", {"draw_transfer"}),
        ("models.hubbed.title", PICTURES | {"draw_curve"}),
        ("baselines.tfidf.title", PICTURES - {"draw_epochs", "draw_learning"}),
        ("baselines.tfidf.colour", PICTURES - {"draw_epochs", "draw_learning"}),
    ],
)
def test_a_title_redraws_only_where_it_can_be_seen(complete, place, pictures):
    folder, config = complete
    value = "#123456" if place.endswith("colour") else "Another"
    jobs = dry_run(folder, changed(config, place, value))
    assert {job.rule for job in jobs} == pictures | {"report"}
    assert sum(job.rule == "draw_curve" for job in jobs) <= 1
