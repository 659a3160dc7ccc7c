"""What to check first: each thing is found where it is, with its number, and nowhere else."""

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from finetone import checks
from finetone.checks import Evidence, find
from finetone.data.audit import audit
from finetone.files import write_json
from finetone.formats.token_file import TokensMeta
from finetone.plots.drawing.style import Style

WORDS = Path(checks.__file__).parent / "words"
N = 4000


def evidence() -> Evidence:
    """Of an experiment in which all is well: two models with two seeds, and a control."""
    rows = []
    for method, accuracy in (("big", 0.9), ("small", 0.88), ("scratch", 0.51)):
        for seed in (1, 2):
            for epoch in (1, 2, 3):
                correct = accuracy - (0.02, 0.001, 0)[epoch - 1] + 0.001 * seed
                row = {"dataset": "movies", "method": method, "seed": seed, "epoch": epoch}
                row |= {"kept": epoch == 3, "n": N, "accuracy": correct}
                rows.append(row | {"balanced_accuracy": correct})
    runs = pd.DataFrame(rows)
    methods = ["big", "small", "scratch"]
    ranking = pd.DataFrame({"dataset": "movies", "method": methods, "metric": "accuracy"})
    status = {"big": "best", "small": "open", "scratch": "control"}
    advice = ranking.assign(status=ranking["method"].map(status))
    texts = pd.DataFrame({"id": range(400), "text": [f"text {i}" for i in range(400)]})
    texts["label"] = texts["id"] % 2
    splits = {"train": texts[:200], "test": texts[200:]}
    found = {"dataset": "movies", **audit(splits, ["negative", "positive"])}
    return Evidence(
        {
            "runs": runs,
            "ranking": ranking,
            "recommendation": advice,
            "efficiency": pd.DataFrame({"method": methods, "doubtful": False}),
        },
        audits=[found],
        runs=[
            {"method": m, "seed": s, "kind": "finetune", "labels": ["negative", "positive"]}
            for m in methods
            for s in (1, 2)
        ],
        models=[{"model": m, "missing_keys": [], "weights": "pretrained"} for m in methods],
        tokens={m: TokensMeta(["negative", "positive"], 64, 0, 8, 200) for m in methods},
    )


def found(given: Evidence, name: str) -> checks.Check:
    """The one thing that is found."""
    (check,) = find(given)
    assert check.name == name
    for language in ("en", "zh"):
        assert not re.search(r"{\w*}", check.sentence(language))
    assert not re.search(r"[a-z] [a-z]+ [a-z]", check.sentence("zh")), "no untranslated rests"
    return check


def changed(given: Evidence, **parts: Any) -> Evidence:
    return Evidence(**(vars(given) | parts))


def with_runs(given: Evidence, where: str, **values: object) -> Evidence:
    """The evidence with other values in some rows of the runs."""
    runs = given.tables["runs"].copy()
    for column, value in values.items():
        runs.loc[runs.eval(where), column] = value
    return changed(given, tables={**given.tables, "runs": runs})


def test_probabilities_that_mislead_are_told_unless_a_temperature_mends_them() -> None:
    given = evidence()
    advice = given.tables["recommendation"].assign(recommended=[True, False, False])
    rows = pd.DataFrame({"dataset": "movies", "method": ["big", "small"], "ece_debiased": 0.17})
    rows = rows.assign(ece_low=0.13, temperature=np.nan)
    tables = {**given.tables, "recommendation": advice, "calibration": rows}
    check = found(changed(given, tables=tables), "overconfident")
    assert (check.methods, check.config_key) == (["big"], "datasets.movies.split")
    assert "off by 17.0 points" in check.sentence("en") and "{dev: 0.1}" in check.sentence("en")
    mended = {**tables, "calibration": rows.assign(temperature=2.1)}
    assert find(changed(given, tables=mended)) == []
    assert find(changed(given, tables={**tables, "calibration": rows.assign(ece_low=0.01)})) == []


def test_folds_are_trainings_enough_for_one_seed() -> None:
    given = evidence()
    once = changed(given, runs=[run for run in given.runs if run["seed"] == 1])
    assert found(once, "one_seed").config_key == "seeds"
    assert find(with_runs(once, "seed > 0", folds=5)) == []


def test_nothing_is_said_where_all_is_well() -> None:
    assert find(evidence()) == []
    assert find(Evidence({})) == [], "and of what is not known"


def test_one_seed_for_all() -> None:
    given = evidence()
    check = found(changed(given, runs=[r for r in given.runs if r["seed"] == 1]), "one_seed")
    assert (check.level, check.config_key, check.number) == ("warning", "seeds", 1)


def test_a_run_that_learned_nothing() -> None:
    given = with_runs(evidence(), "method == 'small' and seed == 2", balanced_accuracy=0.5)
    check = found(given, "collapsed")
    assert (check.level, check.number, check.methods) == ("warning", 1, ["small"])
    assert check.sentence("en").startswith(
        "1 of 4 training runs learned nothing: small (seed 2: balanced accuracy 50.0 %, chance is 50.0 %)"
    )
    titled = check.sentence("zh", Style(titles={"small": "小模型"}))
    assert "4 次训练中有 1 次什么也没学到：小模型（种子 2" in titled


def test_an_accuracy_that_still_rises() -> None:
    given = with_runs(evidence(), "method == 'big' and epoch == 2", accuracy=0.8705)
    check = found(given, "still_rising")
    assert check.config_key == "recipe.epochs" and check.methods == ["big"]
    assert check.number == pytest.approx(0.031) and "by 3.1 points: big." in check.sentence("en")
    one_fell = with_runs(given, "method == 'big' and epoch == 2 and seed == 2", accuracy=0.91)
    assert find(one_fell) == [], "not in every seed"
    control = with_runs(evidence(), "method == 'scratch' and epoch == 2", accuracy=0.40)
    assert found(control, "still_rising").level == "note"
    earlier = with_runs(given, "method == 'big'", kept=False)
    assert find(with_runs(earlier, "method == 'big' and epoch == 2", kept=True)) == []


def test_truncated_texts() -> None:
    given = evidence()
    for cut, level in ((20, "note"), (192, "warning")):
        meta = TokensMeta(["negative", "positive"], 64, 0, cut, 200)
        check = found(changed(given, tokens={**given.tokens, "small": meta}), "truncated")
        assert (check.level, check.number, check.methods) == (level, cut / 200, ["small"])
        assert check.config_key == "max_length" and "64 tokens" in check.sentence("en")
    assert "Up to 96 % of the training texts" in check.sentence("en")
    assert "96%" in check.sentence("zh")


def test_a_small_test_set() -> None:
    check = found(with_runs(evidence(), "n > 0", n=400), "small_test")
    assert (check.level, check.number) == ("note", 400)
    assert "400 texts" in check.sentence("en") and "±2.9 points" in check.sentence("en")
    assert found(with_runs(evidence(), "n > 0", n=64), "small_test").level == "warning"


def texts_of(
    given: Evidence, test: list[tuple[str, int]], train: list[tuple[str, int]]
) -> Evidence:
    """The evidence of an experiment on other texts."""
    splits = {}
    for name, rows in (("train", train), ("test", test)):
        texts, labels = zip(*rows, strict=True)
        splits[name] = pd.DataFrame({"id": range(len(rows)), "text": texts, "label": labels})
    about = {"dataset": "movies", **audit(splits, ["negative", "positive"])}
    return changed(given, audits=[about])


def rows(n: int, start: str, rare: int = 0) -> list[tuple[str, int]]:
    return [(f"{start} {i}", int(i < rare) if rare else i % 2) for i in range(n)]


def test_leaks() -> None:
    train = rows(200, "a")
    check = found(texts_of(evidence(), [*rows(190, "b"), *train[:10]], train), "leaks")
    assert (check.level, check.number) == ("warning", 10)
    assert "10 test texts (5.0 %)" in check.sentence("en")
    few = found(texts_of(evidence(), [*rows(999, "b"), train[0]], train), "leaks")
    assert few.level == "note"


def test_duplicates() -> None:
    train = [*rows(190, "a"), *rows(5, "a"), *rows(5, "a")]
    check = found(texts_of(evidence(), rows(200, "b"), train), "duplicates")
    assert (check.level, check.number, check.dataset) == ("note", 15, "movies")
    assert check.sentence("en") == "7.5 % of the training texts of movies are duplicates."
    opposite = [(text, 1 - label) for text, label in rows(30, "a")]
    check = found(
        texts_of(evidence(), rows(200, "b"), [*rows(170, "a"), *opposite]), "duplicates_conflicting"
    )
    assert check.level == "warning" and "60 of them have conflicting labels" in check.sentence("en")


def test_a_rare_class() -> None:
    given = texts_of(evidence(), rows(200, "b", rare=10), rows(200, "a"))
    check = found(given, "imbalance")
    assert (check.number, check.config_key) == (10, "compare.metric")
    assert "Only 10 of 200 test texts are “positive”" in check.sentence("en")
    ranking = given.tables["ranking"].assign(metric="macro_f1")
    assert find(changed(given, tables={**given.tables, "ranking": ranking})) == []


def test_random_layers() -> None:
    given = evidence()
    models = copy.deepcopy(list(given.models))
    models[0]["missing_keys"] = ["bert.pooler.dense.bias", "bert.pooler.dense.weight"]
    check = found(changed(given, models=models), "random_layers")
    assert (check.level, check.config_key) == ("note", "models.big")
    assert "big: bert.pooler.dense is not in the checkpoint" in check.sentence("en")
    models[0]["weights"] = "random"
    assert find(changed(given, models=models)) == []


def test_timings_that_were_disturbed() -> None:
    given = evidence()
    costs = given.tables["efficiency"].assign(doubtful=[True, False, False])
    check = found(changed(given, tables={**given.tables, "efficiency": costs}), "disturbed")
    assert "1 of 3 methods" in check.sentence("en")


def test_warnings_come_first_and_many_methods_are_counted() -> None:
    given = with_runs(evidence(), "n > 0", n=400)
    meta = TokensMeta([], 64, 0, 150, 200)
    tokens = {f"m{i}": meta for i in range(5)}
    both = find(changed(given, tokens=tokens))
    assert [check.name for check in both] == ["truncated", "small_test"]
    assert both[0].sentence("en").endswith(": m0, m1, m2 and 2 more.")


def test_languages_say_the_same() -> None:
    en, zh = (yaml.safe_load((WORDS / f"{language}.yaml").read_text()) for language in ("en", "zh"))
    assert list(en) == list(zh)
    for key in en:
        assert set(re.findall(r"{\w+}", en[key])) == set(re.findall(r"{\w+}", zh[key])), key


def test_runs_that_no_table_names_are_not_looked_at(tmp_path: Path) -> None:
    """A seed that was taken out of the configuration leaves its run behind."""
    for seed in (1, 2):
        write_json(tmp_path / f"runs/big/seed{seed}/run.json", {"method": "big", "seed": seed})
    row = {"dataset": "movies", "method": "big"}
    (tmp_path / "tables").mkdir()
    for name, more in (("ranking", {"metric": "accuracy"}), ("runs", {"seed": 1})):
        pd.DataFrame([row | more]).to_csv(tmp_path / f"tables/{name}.csv", index=False)
    assert [run["seed"] for run in Evidence.of_folder(tmp_path).runs] == [1]
