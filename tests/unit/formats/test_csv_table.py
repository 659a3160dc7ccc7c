"""Our tables are read as they were written: names stay text whatever they look like."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from finetone.claims import judging, our_facts
from finetone.errors import UserError
from finetone.files import sha256, write_json
from finetone.formats import csv_table, similar_rows
from finetone.formats.csv_table import read_csv, write_csv
from finetone.published import matching, table_audit
from finetone.report.results_json import write_results
from finetone.reproduction.choices import deviations
from finetone.reproduction.side_by_side import side_by_side
from finetone.tables import write_table
from tests.unit.synthetic_results import OPTIONAL_TABLES
from tests.unit.tables.test_tables import Experiment

# each set of names could be taken for a column of something else: four methods and two datasets
LOOKS = {
    "numbers": ("007", "1e3", "inf", "1_000", "0x10", "1.50"),
    "missing": ("NA", "nan", "null", "None", "N.A", "n.a"),
    "booleans": ("True", "False", "true", "FALSE", "0", "1"),
    "dates": ("2024-01-01", "20240101", "1-2", "12-31", "2024", "2024-12"),
}
LABELS = ["-", "=1+1"]
PUBLISHED = ("published", "claims", "column_match", "parameters", "tokenizers")
PUBLISHED += ("deviations", "side_by_side")


def write_published(folder: Path, names: tuple[str, ...]) -> Path:
    """A published table about the two models, with claims whose texts look like anything else."""
    folder.mkdir()
    (folder / "setup.yaml").write_text("{dataset: reviews, n_test: 1000, scale: 100}")
    rows = [f"{n},{e},{90 + e}.50,0.1,30.0" for n in names[:2] for e in (1, 2, 3)]
    head = "model,epoch,accuracy,loss,parameters_millions"
    (folder / "published.csv").write_text("\n".join([head, *rows]))
    (folder / "reasons.csv").write_text(f"model,reason\n{names[1]},1.0\n")
    found = [
        {
            "id": identity,
            "claim": text,
            "where": "2.1",
            "tests": [
                {
                    "kind": "difference",
                    "metric": "accuracy",
                    "a": {"method": names[0]},
                    "b": {"method": names[1]},
                    "expect": {"min": -0.5},
                }
            ],
        }
        for identity, text in (("1.10", "=1+1"), ("007", "-0.5"), ("1e3", '\'=a\nb, "c"'))
    ]
    (folder / "claims.yaml").write_text(yaml.safe_dump({"claims": found}))
    return folder


def write_of_rows(e: Experiment) -> None:
    """The tables of rows whose labels are doubtful, and of rows that are alike."""
    texts = e.texts[e.source]
    of_source = [path for path in e.predictions if path.parts[-3] == "movies"]
    write_table(
        "label_errors_table",
        [e.out / "label_errors.csv"],
        predictions=of_source,
        texts={e.source: texts},
        controls=[e.called["majority"]],
    )
    about = {"dataset": e.source, "labels": e.labels, "splits": {"test": sha256(texts)}}
    write_json(texts.with_name("manifest.json"), about)
    pair = pd.DataFrame([("test", 5, "test", 3, 0.75)], columns=similar_rows.SCHEMA.names)
    similar_rows.write(e.out / "near_duplicates.parquet", pair)
    write_table(
        "near_duplicates_table",
        [e.out / "near_duplicates.csv"],
        near_duplicates=e.out / "near_duplicates.parquet",
        data=texts.parent,
    )


@pytest.mark.parametrize("look", LOOKS)
def test_every_table_is_read_as_it_was_written(
    look: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[str, pd.DataFrame] = {}

    def spy(table: pd.DataFrame, target: Path) -> None:
        written[target.stem] = table.reset_index(drop=True)
        csv_table.write_csv(table, target)

    for module in list(sys.modules.values()):
        if module is not csv_table and getattr(module, "write_csv", None) is write_csv:
            monkeypatch.setattr(module, "write_csv", spy)
    names = LOOKS[look]
    e = Experiment(tmp_path / "results", names, LABELS)
    e.write_all()
    write_of_rows(e)
    folder = write_published(tmp_path / "published", names)
    out = e.out
    statistics = {"tokens_per_word": 1.2, "vocabulary_coverage": 0.9, "unknown_rate": 0.0}
    statistics |= {"truncated": 0.1}
    spy(pd.DataFrame({"model": names[:2], **statistics}), out / "tokenizers.csv")
    table_audit.audit_table(folder, tmp_path / "audit.json", out / "published.csv")
    groups: dict[str, dict[str, object]] = {name: {} for name in names}
    facts = our_facts.read_facts(out, e.predictions, groups, e.source, {}, None)
    judging.write_claims(folder / "claims.yaml", facts, out / "claims.csv", 0.95)
    histories = {name: [path] for (name, _), path in e.histories.items()}
    matching.write_column_match(
        folder, out / "runs.csv", histories, e.source, out / "column_match.csv", 0.95
    )
    matching.write_parameters(folder, e.runs_json[:4], out / "parameters.csv")
    beside = side_by_side(
        folder,
        *(out / f"{name}.csv" for name in ("published", "summary", "efficiency")),
        e.speed,
        None,
        source=e.source,
        transfer="",
        reference="",
        confidence=0.95,
    )
    spy(beside, out / "side_by_side.csv")
    spy(deviations({"007": "1e3", "a.b": True}, {"a.b": False}, {}, {}), out / "deviations.csv")

    text = (Path(__file__).parents[3] / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)\.csv`", text, re.M)) - {*OPTIONAL_TABLES}
    assert set(written) == named | set(PUBLISHED), (
        "make a new table in Experiment.write_all of tests/unit/tables/test_tables.py"
    )
    for name, table in written.items():
        assert len(table), name
        back = read_csv(out / f"{name}.csv")
        for column in table:
            cells = [c for c in table[column] if not pd.isna(c)]
            shown = back[column][table[column].notna()].tolist()
            if column in ("id", "other_id") or any(isinstance(cell, str) for cell in cells):
                assert shown == [str(cell) for cell in cells], f"{name}.csv: {column}"
                assert (back[column][table[column].isna()] == "").all()
            else:
                assert not any(isinstance(cell, str) for cell in shown), f"{name}.csv: {column}"
                assert np.allclose(
                    np.array(shown, float), np.array(cells, float), rtol=1e-5, equal_nan=True
                ), f"{name}.csv: {column}"
    verdicts = read_csv(out / "claims.csv")
    assert set(verdicts["verdict"]) == {"supported"}, verdicts["explanation"].tolist()
    matched = read_csv(out / "column_match.csv")  # the second model repeats the first
    assert (matched["epoch"].tolist(), matched["models"].tolist()) == (["1", "all"], [1, 1])


@pytest.mark.parametrize("look", LOOKS)
def test_results_json_has_the_names_as_they_are(look: str, tmp_path: Path) -> None:
    e = Experiment(tmp_path / "results", LOOKS[look])
    e.write_all()
    manifest = tmp_path / "manifest.json"
    write_json(manifest, {"dataset": e.source, "labels": LABELS, "rows": {"test": {"-": 1}}})
    tables = {path.stem: path for path in e.out.glob("*.csv")}
    target = tmp_path / "results.json"
    write_results(tables, [manifest], e.runs_json, e.source, 0.95, "accuracy", 1.0, target)
    content = json.loads(target.read_text())
    *methods, source, transfer = LOOKS[look]
    assert {(r["dataset"], r["method"]) for r in content["results"]} == {
        (dataset, method) for dataset in (source, transfer) for method in methods
    }
    pairs = {c["a"] for c in content["comparisons"]} | {c["b"] for c in content["comparisons"]}
    assert pairs == set(methods)


def test_text_comes_back_whatever_it_begins_with(tmp_path: Path) -> None:
    texts = ["=1+1", "'=1+1", "''-", "-", "'", "\t-x", "＝SUM(A1)", "\n", '"', "", " a ", "a,b"]
    texts += ["🎬", "שלום", "NA", "inf", "1e5", "1,5"]
    write_csv(pd.DataFrame({"text": texts, "n": range(len(texts))}), tmp_path / "t.csv")
    assert read_csv(tmp_path / "t.csv")["text"].tolist() == texts
    cells = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)["text"]
    assert not cells.str.startswith(("=", "+", "-", "@", "\t", "\n", "＝")).any()


def test_a_file_is_plain_csv(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "method": ["NA", "1e3", "001"],
            "text": ["=1+1", "a\r\nb\rc", None],
            "difference": [0.1234567, -0.0, np.nan],
        }
    )
    write_csv(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == (
        'method,text,difference\nNA,\'=1+1,0.123457\n1e3,"a\nb\nc",0\n001,,\n'
    )


def test_numbers_are_numbers_where_there_are_none(tmp_path: Path) -> None:
    table = pd.DataFrame({"method": ["a", "b"], "seconds": [np.nan, np.nan], "n": [1, 2]})
    for rows in (0, 2):
        write_csv(table[:rows], tmp_path / "t.csv")
        back = read_csv(tmp_path / "t.csv")
        assert len(back) == rows
        assert back["method"].tolist() == ["a", "b"][:rows]
        assert all(pd.api.types.is_numeric_dtype(back[name]) for name in ("seconds", "n"))


def test_text_in_a_column_of_numbers_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="column 'seconds' holds text"):
        write_csv(pd.DataFrame({"seconds": ["007"]}), tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    for content in (b"", b"a,b\n1,2\n1,2,3\n", b"\xff\xfe"):
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(UserError, match=r"t\.csv: not a readable table .*delete it and rerun"):
            read_csv(tmp_path / "t.csv")
