"""`finetone audit`: what it takes, says, writes and returns."""

import json
import re
import time
from pathlib import Path

import pytest

from finetone import cli

# means over five runs on SST-2's 872 rows: k/4360
MEANS = "model,accuracy\na,93.12\nb,91.33\nc,92.18\nd,90.07\n"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def audit(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder; its status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = cli.main(["audit", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_a_clean_table(audit, tmp_path):
    (tmp_path / "table.csv").write_text(MEANS)
    status, out, err = audit("table.csv", "--n", 872, "--seeds", 5)
    assert (status, err) == (0, "")
    assert "56% of values with random digits would be noticed" in out
    assert out.endswith("Nothing is wrong; the page is table-audit/audit.html\n")
    names = {path.name for path in (tmp_path / "table-audit").iterdir()}
    assert names == {"audit.html", "audit.json", "values.csv"}
    page = (tmp_path / "table-audit/audit.html").read_text("utf-8")
    assert "Nothing in this table is impossible (4 values were checked)." in page
    assert "finetone audit table.csv --n 872 --seeds 5" in page


def test_an_impossible_table(audit, tmp_path):
    (tmp_path / "table.csv").write_text(MEANS)
    status, out, _ = audit("table.csv", "--n", 872, "--seeds", 1, "--out", "page")
    assert status == 1
    assert re.search(r"^  b: 91\.33 is impossible, 91\.28 and 91\.40 are not$", out, re.M)
    found = json.loads((tmp_path / "page/audit.json").read_text())
    named = [v["model"] for v in found["columns"][0]["impossible"]]
    assert named and {"error"} == {
        f["level"] for f in found["findings"] if f["check"] == "granularity"
    }
    page = (tmp_path / "page/audit.html").read_text("utf-8")
    assert "91.28 · 91.40" in page and not re.search(r"(src|href)=\"https?:", page)


def test_the_examples_of_the_document_run(audit, tmp_path):
    """docs/published-table.md begins with a table and a command."""
    text = (ROOT / "docs/published-table.md").read_text("utf-8")
    table, command, said = re.findall(r"^((?:    .*\n)+)", text, re.M)[:3]
    (tmp_path / "results.csv").write_text(re.sub("^    ", "", table, flags=re.M))
    status, out, _ = audit(*command.split()[2:])
    assert status == 1
    for line in said.strip().splitlines():
        assert line.strip() in out


def test_what_is_stated_beside_the_table_counts(audit, tmp_path):
    (tmp_path / "table.csv").write_text(MEANS)
    (tmp_path / "table.yaml").write_text("{n: 872, seeds: 5, title: Five runs}")
    assert audit("table.csv")[0] == 0
    assert audit("table.csv", "--seeds", 1)[0] == 1
    assert audit(".", "--out", "out")[0] == 0  # the only table of a folder
    assert "<h1>Five runs</h1>" in (tmp_path / "out/audit.html").read_text("utf-8")


@pytest.mark.parametrize(
    "table",
    [
        "Model;Acc\na;0.9312\nb;0.9133\nc;0.9218\n",
        "name\taccuracy\na\t93.12 %\nb\t91.33 %\nc\t92.18 %\n",
        "Model,Accuracy (%)\na,93.12\nb,91.33\nc,92.18\n",
        "model,error rate\na,6.88\nb,8.67\nc,7.82\n",
        "model,recall\na,93.12\nb,91.33\nc,92.18\n",
    ],
)
def test_tables_are_read_as_people_write_them(audit, tmp_path, table):
    (tmp_path / "t.csv").write_text(table)
    options = ["--n", 1744, "--average", "binary", "--positives", 872] if "recall" in table else []
    status, out, _ = audit("t.csv", *(options or ["--n", 872]), "--seeds", 1)
    assert status == 1 and "2 of 3" in out
    assert audit("t.csv", *(options or ["--n", 872]), "--seeds", 5)[0] == 0


def test_columns_that_nobody_reads_are_named(audit, tmp_path):
    (tmp_path / "t.csv").write_text("model,accuracy,sd\na,93.12,0.2\n")
    assert "not read: sd\n" in audit("t.csv", "--n", 872)[1]


def test_in_chinese(audit, tmp_path):
    (tmp_path / "t.csv").write_text(MEANS)
    status, out, _ = audit("t.csv", "--n", 872, "--seeds", 1, "--language", "zh")
    assert status == 1 and "不可能来自 872 行" in out and "b：91.33 不可能出现" in out
    english = set(re.findall("[A-Za-z]{2,}", out)) - {"Holm", "audit", "html"}
    assert english == set(), "no untranslated rest on the terminal"
    page = (tmp_path / "t-audit/audit.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page and "最接近的可能值" in page


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        (MEANS, [], r"how many rows was it tested on\? State `n` \(--n N\)"),
        (
            "modell,acc\na,93.12\n",
            ["--n", "872"],
            "column 'model' is missing; it has modell, accur",
        ),
        ("model,score\na,93\n", ["--n", "872"], "no column holds results; it has model, score"),
        (MEANS, ["--n", "872", "--out", "t.csv"], "--out t.csv: t.csv is a file; name a folder"),
        ("", ["--n", "872"], "t.csv: has no first line with the names of the columns"),
        (MEANS, ["--n", "872", "--out", "t.csv/here"], "--out t.csv/here: t.csv is a file; name"),
        (MEANS, ["--n", "0"], "--n 0: give at least 1"),
        ("model;accuracy\na;93,12\n", ["--n", "872"], r"no comma\); write 93\.12"),
        ("model,accuracy,n\na,90.02,872\nb,65.70,\n", [], "line 3: b has no n: how many rows"),
        ("model,pearson\na,1.03\n", ["--n", "872"], "pearson 1.03 is above 1; correct it$"),
        (MEANS, ["--n", "872", "--statistic", "best"], "statistic: best needs `seeds`"),
        ("model,f1\na,90\n", ["--n", "872"], "F1 need `average: binary"),
    ],
)
def test_bad_input_is_one_sentence_and_status_two(audit, tmp_path, table, options, words):
    (tmp_path / "t.csv").write_text(table)
    status, out, err = audit("t.csv", *options)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert re.search(words, err), err


def test_a_table_of_thousands_takes_seconds(audit, tmp_path):
    """Pairs of models are millions: none are listed, and copies are still found."""
    rows = [f"m{i},{e},{90 + i // 70 / 100 + e / 10:.2f}" for i in range(1500) for e in (1, 2)]
    (tmp_path / "t.csv").write_text("\n".join(["model,epoch,accuracy", *rows]))
    start = time.process_time()
    status, out, _ = audit("t.csv", "--n", 10_000, "--seeds", 1)
    assert time.process_time() - start < 30
    assert status == 0 and "rankings" not in out


def test_a_folder_with_several_tables_asks_which(audit, tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(MEANS)
    status, _, err = audit(".")
    assert status == 2 and "which is the table, a.csv, b.csv?" in err
