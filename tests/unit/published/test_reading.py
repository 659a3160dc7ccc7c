from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetone.errors import UserError
from finetone.published.printed import Printed
from finetone.published.reading import read_published
from finetone.published.table_audit import audit_table

SETUP = "{dataset: d, n_test: 1000, batch_sizes: [32]}"
TABLE = "model,epoch,accuracy,loss\na,1,90.1,0.30\na,2,91.2,0.25\nb,1,88.8,\nb,2,89.9,0.31\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "setup.yaml").write_text(SETUP)
    (tmp_path / "published.csv").write_text(TABLE)
    return tmp_path


def audit(folder: Path) -> None:
    audit_table(folder, folder / "out.json", folder / "out.csv")


def test_any_small_table_can_be_audited(folder):
    audit(folder)
    assert (folder / "out.json").exists() and (folder / "out.csv").exists()


def test_digits_are_kept():
    printed = Printed.parse("95.70")
    assert (printed.units, printed.decimals, float(printed.value)) == (9570, 2, 95.7)


@pytest.mark.parametrize(
    "text", ["", "--1", "1e3", "nan", "1,5", "٣", "0x1", " 1", "1.", ".5", "9" * 5000]
)
def test_what_is_no_plain_number(text):
    with pytest.raises(ValueError):
        Printed.parse(text)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("90.1", "ninety", r"published.csv, line 2: accuracy 'ninety'"),
        ("90.1", "190.1", "above 100"),
        ("90.1", "-90.1", "accuracy '-90.1' is below 0"),
        ("90.1", "0.901", "in percent and as fractions"),
        ("90.1", "90.1 ± 0.2", "no spread"),
        ("0.30", "-0.3", "loss '-0.3'"),
        ("a,2", "a,1", "a is listed twice"),
        ("a,2", "a,0", "epoch '0'"),
        ("a,2", "a,two", "epoch 'two'"),
        (
            "accuracy,loss",
            "score,cost",
            r"no column holds results; it has model, epoch, score, cost",
        ),
        ("model,", "modell,", r"column 'model' is missing; it has modell, epoch, accuracy, loss"),
        ("epoch,", "accuracy,", r"two columns have one name"),
        ("epoch,", "n,", "a is listed twice"),
        ("a,2,91.2,0.25", "a,2,,", "line 3: a has no result"),
        (TABLE, "model,error\na,0.3\n", "are error rates up to 0.3 percent or fractions"),
        (TABLE, "model,f1\na,0.3\n", "need `average"),
        ("a,1,90.1,0.30", ",1,90.1,0.30", "no name"),
        ("a,1,90.1,0.30", "a,1,90.1,0.30,7", "more cells"),
        ("a,1", '"a,1', "not a CSV file"),
        (TABLE.partition("\n")[2], "", r"published.csv: no rows under the header"),
    ],
)
def test_broken_tables_are_named(folder, old, new, words):
    (folder / "published.csv").write_text(TABLE.replace(old, new, 1))
    with pytest.raises(UserError, match=words):
        audit(folder)
    assert not (folder / "out.json").exists()


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ("{dataset: d}", "how many rows was it tested on"),
        ("{n: 10, epochs: 1}", "has more epochs than the setup states"),
        ("{n: 10, positives: 11}", "positives: 11 is more than n: 10"),
        ("{n: 10, positives: 5, classes: 3}", "need classes: 2, not 3"),
        ("{n: 10, statistic: median}", "needs `seeds`"),
        ("{dataset: d, n_test: 0}", "n_test"),
        ("{dataset: d, n: many}", "setup.yaml: n: 'many' is not of type .*; write a whole number"),
        ("{n: 10, batch_size: [3]}", r"unknown key 'batch_size'; did you mean 'batch_sizes'\?"),
        ("{n: 10, batch_sizes: 3}", r"batch_sizes: 3 .*; write \[3\]"),
        ("{n: 10, n_test: 20}", "two names of one number; keep one"),
        ("{n: 10, seeds: 1, seeds: 5}", "the key 'seeds' is given twice"),
        ("[" * 1200, "nested deeper"),
        ("{", "not valid YAML"),
        ("just words", "write a mapping"),
        ("", "how many rows was it tested on"),
    ],
)
def test_broken_setups_are_named(folder, setup, words):
    (folder / "setup.yaml").write_text(setup)
    with pytest.raises(UserError, match=words):
        audit(folder)


def test_missing_files_are_named(folder):
    (folder / "published.csv").unlink()
    with pytest.raises(UserError, match=r"published\.csv: no such file"):
        audit(folder)
    with pytest.raises(UserError, match=r"nowhere: no such file or folder"):
        audit(folder / "nowhere")


def test_transfer_needs_its_own_test_size(folder):
    (folder / "transfer.csv").write_text("model,accuracy\na,80.0\n")
    with pytest.raises(UserError, match="needs `transfer"):
        read_published(folder)


def test_not_utf8(folder):
    (folder / "published.csv").write_bytes(TABLE.encode("utf-16"))
    with pytest.raises(UserError, match=r"published\.csv"):
        audit(folder)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(["published.csv", "setup.yaml", "literature.csv", "baselines.csv"]),
    text=st.one_of(
        st.binary(max_size=80),
        st.lists(
            st.sampled_from([*TABLE, "\x00", '"', "\n", "9", ".", "é", ",,"]), max_size=60
        ).map(lambda parts: (TABLE + "".join(parts)).encode()),
        st.text(alphabet="{}[]&*!a: 1-\n#|>%@`'\"", max_size=40).map(str.encode),
    ),
)
def test_garbage_is_refused_in_a_sentence(folder, name, text):
    (folder / "setup.yaml").write_text(SETUP)
    (folder / "published.csv").write_text(TABLE)
    for other in ("literature.csv", "baselines.csv"):
        (folder / other).unlink(missing_ok=True)
    (folder / name).write_bytes(text)
    try:
        audit(folder)
    except UserError as error:
        assert name in str(error) or "State `n`" in str(error)  # nothing is stated
