"""Every method tries as many settings as every other, and one value more is one trial more."""

from pathlib import Path
from typing import Any

import pytest

from finetone.config import checking
from finetone.errors import UserError
from finetone.experiment.artifacts import Experiment
from tests.tiny import experiment
from tests.workflow.snake import ROOT

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
RUN = "runs/tiny/seed1/run.json"


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    given = experiment(tmp_path)
    given["datasets"]["films"]["split"] = {"dev": 0.2}
    given["baselines"]["lstm"] = {"kind": "bilstm", "epochs": 2}
    return given


def checked(config: dict[str, Any], **tune: Any) -> Experiment:
    return Experiment(checking.check(config | {"tune": tune}, SCHEMA), Path("results/small"))


def values(found: Experiment, method: str) -> list[dict[str, Any]]:
    return [setting.values for setting in found.tuning.settings[method].values()]


def test_every_method_has_the_same_number_of_trials(config: dict[str, Any]) -> None:
    found = checked(config, learning_rate=[5e-5, 1e-5, 2e-5], epochs=[1, 2])
    assert set(found.tuning.settings) == {"tiny", "tiny-scratch", "tfidf", "lstm"}
    assert {len(values(found, method)) for method in found.tuning.settings} == {6}
    assert values(found, "tiny") == values(found, "tiny-scratch")
    # ordered by what is preferred among equals: fewer epochs, then lower rates
    assert values(found, "tiny")[:2] == [
        {"epochs": 1, "learning_rate": 1e-5}, {"epochs": 1, "learning_rate": 2e-5},
    ]  # fmt: skip


def test_methods_of_another_scale_try_values_around_their_own(config: dict[str, Any]) -> None:
    found = checked(config, learning_rate=[1e-5, 2e-5, 5e-5])
    rates = [each["learning_rate"] for each in values(found, "lstm")]
    assert rates == [0.000316, 0.001, 0.00316]
    assert [each["C"] for each in values(found, "tfidf")] == [3.16, 10.0, 31.6]
    more = checked(config, learning_rate=[1e-5, 2e-5, 5e-5, 1e-4])
    assert [each["C"] for each in values(more, "tfidf")] == [3.16, 10.0, 31.6, 100.0]


def test_an_entry_may_try_other_values_but_not_more(config: dict[str, Any]) -> None:
    config["models"]["tiny"]["tune"] = {"learning_rate": [1e-6, 3e-6]}
    config["baselines"]["tfidf"]["tune"] = {"C": [1, 2]}
    config["baselines"]["lstm"]["tune"] = {"learning_rate": 1e-3, "epochs": [1, 2]}
    found = checked(config, learning_rate=[1e-5, 2e-5])
    assert [each["learning_rate"] for each in values(found, "tiny")] == [1e-6, 3e-6]
    assert [each["learning_rate"] for each in values(found, "tiny-scratch")] == [1e-5, 2e-5]
    assert [each["C"] for each in values(found, "tfidf")] == [1.0, 2.0]
    assert [each["epochs"] for each in values(found, "lstm")] == [1, 2]
    config["baselines"]["tfidf"]["tune"] = {"C": [1, 2, 3]}
    with pytest.raises(
        UserError, match=r"baselines.tfidf.tune: is 3 trials, but every method has 2"
    ):
        checked(config, learning_rate=[1e-5, 2e-5])


def test_what_a_run_is_made_of_is_its_choice_and_not_what_there_was_to_choose_from(
    config: dict[str, Any],
) -> None:
    one, two = (checked(config, learning_rate=rates) for rates in ([1e-5], [1e-5, 2e-5]))
    first, second = (f"tuning/tiny/learning_rate{rate}/epoch2.json" for rate in (1e-05, 2e-05))
    assert one.fingerprint(first) == two.fingerprint(first)
    assert one.fingerprint("tuning/tiny.json") != two.fingerprint("tuning/tiny.json")
    assert one.fingerprint(RUN) == two.fingerprint(RUN)
    assert two.made("tuning/tiny.json")[1] == [first, second]
    settings, inputs = two.made(RUN)
    assert "learning_rate" not in settings["recipe"] and "tuning/tiny.json" in inputs
    config["recipe"]["learning_rate"] = 0.5  # nobody reads it any more
    assert checked(config, learning_rate=[1e-5]).fingerprint(RUN) == one.fingerprint(RUN)
    config["recipe"]["batch_size"] = 8
    assert checked(config, learning_rate=[1e-5]).fingerprint(RUN) != one.fingerprint(RUN)


def test_another_metric_trains_no_trial_again(config: dict[str, Any]) -> None:
    config["recipe"]["choose_epoch"] = "dev"
    before = checked(config, learning_rate=[1e-5, 2e-5])
    config["compare"]["metric"] = "macro_f1"
    after = checked(config, learning_rate=[1e-5, 2e-5])
    same = "tuning/tiny/learning_rate1e-05/epoch2.json"
    assert before.fingerprint(same) == after.fingerprint(same)
    assert before.fingerprint("tuning/tiny.json") != after.fingerprint("tuning/tiny.json")


def test_stages_of_successive_halving(config: dict[str, Any]) -> None:
    found = checked(config, epochs=[1, 5], halving=True)
    short, long = found.tuning.settings["tiny"].values()
    assert found.tuning.stages(short) == [1] and found.tuning.stages(long) == [1, 2, 4, 5]
    folder = "tuning/tiny/epochs5"
    assert found.tuning.before("tiny", "epochs5", 1) == ([], [])
    assert found.made(f"{folder}/epoch2.json")[1][-2:] == [
        f"{folder}/epoch1.json", f"{folder}/promoted1.json",
    ]  # fmt: skip
    of_all = ["tuning/tiny/epochs1/epoch1.json", f"{folder}/epoch4.json"]
    assert found.made(f"{folder}/promoted4.json")[1] == of_all


def test_the_batch_size_that_was_chosen_is_timed(config: dict[str, Any]) -> None:
    found = checked(config, batch_size=[4, 8])
    settings, inputs = found.made("speed/rounds.json")
    assert settings["batch_sizes"] == {} and "tuning/tiny.json" in inputs
    found = checked(config, learning_rate=[1e-5])
    settings, inputs = found.made("speed/rounds.json")
    assert settings["batch_sizes"]["tiny"] == 4 and "tuning/tiny.json" not in inputs


@pytest.mark.parametrize(
    ("tune", "sentence"),
    [
        ({"seed": 3}, "tune: names nothing to try; give several values of epochs, learning_rate"),
        ({"epochs": [1, 2], "rows": 10.5}, "tune.rows: 10.5 is neither a share"),
        ({"learning_rates": [1e-5]}, "tune.learning_rates: unknown key"),
        ({"learning_rate": [0.0]}, "tune.learning_rate.0: 0.0 is less than or equal"),
    ],
)
def test_what_cannot_be_tuned(config: dict[str, Any], tune: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        checked(config, **tune)


def test_without_a_dev_split_nothing_can_be_chosen(config: dict[str, Any]) -> None:
    del config["datasets"]["films"]["split"]
    with pytest.raises(
        UserError, match=r"tune: chooses on a dev split, which 'films' does not have"
    ):
        checked(config, learning_rate=[1e-5])


def test_an_entry_alone_tunes_nothing(config: dict[str, Any]) -> None:
    config["models"]["tiny"]["tune"] = {"epochs": [1, 2]}
    with pytest.raises(UserError, match=r"models.tiny.tune: is for experiments that have `tune:`"):
        checking.check(config, SCHEMA)


def test_names_whose_choice_and_trials_would_be_one_path_are_refused(
    config: dict[str, Any],
) -> None:
    config["baselines"]["tiny.json"] = {"kind": "tfidf"}
    with pytest.raises(UserError, match=r"models.tiny: and 'tiny.json' cannot both be tuned"):
        checked(config, epochs=[1, 2])
