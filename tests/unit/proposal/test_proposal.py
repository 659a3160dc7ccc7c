"""What is written passes the check, says why, and reads the rows that were counted."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from finetone.data.download import prepare
from finetone.errors import UserError
from finetone.proposal import candidates, decisions
from finetone.proposal.told import told
from tests.proposing import texts, write


def prepared(config, folder):
    """Rows of each class by split, as the pipeline makes them."""
    prepare("own", config["datasets"]["own"], Path(folder), None)
    return json.loads(Path(folder, "manifest.json").read_text())["rows"]


def printed(found):
    return "\n".join(told(found, Path("own.yaml"), "snakemake …"))


CASES = {
    "semicolon.csv": 'text;mood\n"good; really";positive\nbad;negative\n',
    "pipe.csv": "text|mood\ngood|positive\nbad|negative\n",
    "utf16.csv": "text,mood\ncafé is good,positive\nnaïve and bad,negative\n",
    "cp1252.csv": "text,mood\ncafé is good,positive\nnaïve – bad,negative\n",
    "array.json": '[{"text": "good", "mood": true}, {"text": "bad", "mood": false}]',
    "booleans.csv": "text,mood\ngood,True\nbad,False\n",
    "stars.csv": "text,stars\ngreat,5\ngood,4\nso so,3\nbad,2\nawful,1\n",
    "case-and-missing.csv": "text,mood\ngood,Positive\nfine,positive\nbad,Negative\nawful,\nboring,NaN\n",
    "split-column.csv": "text,mood,part,lang\ngood,positive,train,en\nbad,negative,train,en\n"
    "bon,positive,train,fr\nfine,positive,test,en\nawful,negative,test,en\n",
    "leading-zero.csv": "text,mood\nfine film,01\ngood,1\nawful,2\n",
    "{raw} it's [1].csv": "text,mood\ngood,no\nbad,yes\n",
}
ENCODINGS = {"utf16.csv": "utf-16", "cp1252.csv": "cp1252"}
BLOCKS = {
    "array.json": {"labels": ["false", "true"]},
    "booleans.csv": {"labels": ["false", "true"]},
    "stars.csv": {"labels": ["negative", "positive"], "threshold": 3},
    "case-and-missing.csv": {"label_values": {"positive": "Positive"}, "missing_labels": "drop"},
    "split-column.csv": {"split": {"column": "part", "seed": 0}},
    "leading-zero.csv": {"labels": ["01", "1", "2"]},
    "{raw} it's [1].csv": {"labels": ["no", "yes"], "file": "{raw} it's [1].csv"},
}


def write_case(name: str) -> None:
    """Write a table with its rows three times, for of two rows there is none to test on."""
    header, *rows = CASES[name].splitlines()
    content = [header, *3 * rows]
    if name == "array.json":
        content = [json.dumps(3 * json.loads(header))]
    Path(name).write_text("\n".join(content), encoding=ENCODINGS.get(name, "utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_tables_as_people_have_them(name, proposed, tmp_path):
    write_case(name)
    found, config, text = proposed(name)
    block = config["datasets"]["own"]
    assert BLOCKS.get(name, {}).items() <= block.items()
    if name != "split-column.csv":  # too few rows to cut some off
        copy = shutil.copy(name, f"copy of {name}")
        block |= {"file": {"train": name, "test": copy}, "split": {}}
    rows = prepared(config, tmp_path / "prepared")
    if name == "split-column.csv":
        assert rows == {
            "train": {"negative": 3, "positive": 6},
            "test": {"negative": 3, "positive": 3},
        }
    else:
        assert rows["train"] == rows["test"] == found.rows
    assert "hardly any" in printed(found)


def test_a_proposal_is_short_and_says_why(proposed):
    name = write("films.csv", [i % 5 + 1 for i in range(600)], "stars", title=["A title"] * 600)
    found, config, text = proposed(name, minutes=45)
    assert len(text.splitlines()) < 50 and max(map(len, text.splitlines())) <= 110
    assert yaml.safe_load(text)["datasets"]["own"]["threshold"] == 3
    for part in ("which model for films.csv?", "labels: [1, 2, 3, 4, 5]", "120 rows with 3 left out",
                 "a training each", "about ", "have about", "`finetone models`"):  # fmt: skip
        assert part in text.lower() or part in text, part
    assert config["max_length"] % 16 == 0 and config["seeds"] == [1, 2, 3]
    assert set(config["baselines"]) == {"majority", "lexicon", "tfidf"}
    said = printed(found)
    for part in ("films.csv: 600 rows, comma", "'text', English", "negative 240, positive 240",
                 "train 384, test 96", "minilm-l6", "snakemake …"):  # fmt: skip
        assert part in said, part
    assert max(map(len, said.splitlines())) < 110


def test_uneven_classes_are_compared_by_another_metric(proposed):
    found, config, text = proposed(write("a.csv", ["spam"] * 20 + ["ham"] * 480))
    assert config["compare"]["metric"] == "macro_f1" and "macro_f1" in printed(found)
    assert "lexicon" not in config["baselines"], "spam is no sentiment"
    assert proposed(write("b.csv", ["a", "b"] * 50))[1]["compare"]["metric"] == "accuracy"


def test_keys_that_the_schema_knows_are_used(proposed, monkeypatch):
    rules = yaml.safe_load(Path(decisions.__file__).parents[3].joinpath("schemas/config.schema.yaml").read_text("utf-8"))  # fmt: skip
    rules["$defs"]["recipe"]["properties"]["class_weights"] = {}
    split = rules["properties"]["datasets"]["additionalProperties"]["properties"]["split"]
    split["properties"]["folds"] = {}
    name = write("a.csv", ["spam"] * 20 + ["ham"] * 200)
    found = decisions.propose([name], decisions.Options(), rules)
    config = yaml.safe_load(decisions_document(found, rules))
    assert config["recipe"]["class_weights"] == "balanced"
    assert config["datasets"]["own"]["split"] == {"folds": 5}
    assert "220 in 5 folds" in printed(found) and "15 trainings" in printed(found)


def decisions_document(found, rules):
    from finetone.proposal.document import document

    return document(found, "own", "snakemake …", rules)


def test_repeated_contradictory_and_leaking_rows_are_told(proposed):
    train = pd.DataFrame({"text": [*texts(80), *texts(20)], "label": ["a"] * 85 + ["b"] * 15})
    train.to_csv("train.csv", index=False)
    pd.DataFrame({"text": [*texts(5), ""], "label": ["a", "b"] * 3}).to_csv("test.csv", index=False)
    found, config, text = proposed("test.csv", "train.csv")
    assert config["datasets"]["own"]["file"] == {"train": "train.csv", "test": "test.csv"}
    said = printed(found)
    assert "25 rows with a text that stood before" in said
    assert "have one text and other labels" in said
    assert "5 of 5 rows to test on are in train as well" in said
    assert "1 without text" in said


def test_a_test_file_without_labels_is_left_for_later(proposed):
    write("train.csv", ["a", "b"] * 30)
    Path("test.csv").write_text("text\nsome text\n")
    found, config, _ = proposed("test.csv", "train.csv")
    assert config["datasets"]["own"]["file"] == "train.csv"
    assert "test.csv: left for later" in printed(found)


def test_shards_and_other_languages(proposed, monkeypatch):
    monkeypatch.setattr(candidates, "hub_answers", lambda: True)
    table = pd.DataFrame(
        {"评论": [f"这部电影很好看，我喜欢{i}" for i in range(60)], "情感": ["正面", "负面"] * 30}
    )
    for i in range(2):
        table.iloc[30 * i : 30 * i + 30].to_parquet(f"part-{i}.parquet")
    found, config, text = proposed("part-*.parquet")
    assert config["datasets"]["own"]["file"] == ["part-0.parquet", "part-1.parquet"]
    assert config["datasets"]["own"]["labels"] == ["负面", "正面"] and found.languages == ["zh"]
    assert set(config["models"]) <= set(candidates.BY_LANGUAGE["zh"].split())
    assert "# report: {language: zh}" in text


def test_a_column_that_breaks_off_is_no_obstacle(proposed):
    rows = [{"text": t, "label": "ab"[i % 2], **({"tag": "xy"[i % 2]} if i < 600 else {})}
            for i, t in enumerate(texts(900))]  # fmt: skip
    Path("a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found, config, _ = proposed("a.jsonl")
    assert found.label == "label" and found.found.rows == 900


def test_the_first_column_of_classes_is_the_label(proposed):
    name = write("a.csv", ["one"] * 60, "category", stars=[1, 2, 4, 5] * 15)
    assert proposed(name)[0].label == "stars"


def test_many_rows_are_sampled_and_long_texts_cut(proposed, monkeypatch):
    long = pd.DataFrame({"text": [t * 60 for t in texts(3000)], "label": ["a", "b"] * 1500})
    long.to_csv("long.csv", index=False)
    found, config, text = proposed("long.csv", minutes=15)
    assert config["max_length"] == 512 and "are cut" in text and "are cut" in printed(found)
    assert config["datasets"]["own"]["sample"]["train"] < 2100 and "a sample" in printed(found)
    assert config["recipe"]["choose_epoch"] == "dev"
    found, config, text = proposed("long.csv", minutes=0.5)
    assert "longer than the 0.5 minutes asked for" in printed(found)


def test_training_rows_of_one_class_are_refused(proposed):
    write("train.csv", ["a"] * 30)
    write("test.csv", ["a", "b"] * 15)
    with pytest.raises(UserError, match="train.csv: the rows to learn from hold only 'a'; two"):
        proposed("train.csv", "test.csv")


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "a", "b"]])
def test_too_few_rows_are_refused_with_the_file(proposed, labels):
    with pytest.raises(UserError, match=r"^few\.csv: .* two rows or more of each"):
        proposed(write("few.csv", labels))


def test_a_class_of_one_row_is_told(proposed):
    found, _, _ = proposed(write("rare.csv", ["a"] * 499 + ["b"]))
    assert "too few to learn anything of, or to test it: b 1 row" in found.notes


def test_text_of_others_cannot_leave_its_line(proposed):
    name = write("a.csv", ["x\x1b[31m\u2028y", "ordinary"] * 30, "la\u2028bel")
    found, config, text = proposed(name, label="la\u2028bel")
    assert config["datasets"]["own"]["label"] == "la\u2028bel"
    assert "\x1b" not in printed(found) + text and "\u2028" not in printed(found) + text
