"""speed/rounds.json: what is written is read, and what disturbed a round is seen."""

from pathlib import Path

import numpy as np
import pytest

from finetone.errors import UserError
from finetone.files import write_json
from finetone.formats import rounds
from finetone.formats.rounds import Timed
from tests.unit.timed import timed, write_rounds


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write_rounds(tmp_path / "rounds.json", {"model": (0.5, 0.1), "words": (None, 0.01)})
    found = rounds.read(path)
    assert (found.rows, found.device, found.device_name, found.threads) == (
        64,
        "cpu",
        "some CPU",
        1,
    )
    assert found.methods["words"].tokens is None and set(found.methods["words"].tasks) == {
        "predict"
    }
    model = found.methods["model"]
    assert (model.batch_size, model.precision) == (32, "fp32") and (model.tokens == 1280).all()
    np.testing.assert_array_equal(model.tasks["train"].seconds, timed(1.0).seconds)
    assert model.tasks["train"].undisturbed.all()


def test_timings_of_an_earlier_version_are_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "rounds.json", {"method": "rounds", "seconds_per_32": 0.5})
    with pytest.raises(UserError, match="rounds.json: holds no timings in rounds; delete it"):
        rounds.read(tmp_path / "rounds.json")


def test_other_processes_show_in_the_share_of_the_processor() -> None:
    share = np.array([1.0, 0.99, 0.96, 0.9, 0.5])
    assert Timed(np.ones(5), share).undisturbed.tolist() == [True, True, True, False, False]


def test_what_does_not_take_the_processor_shows_as_a_slow_round() -> None:
    seconds = np.array([1.0, 1.1, 1.2, 1.25, 1.5, 4.0])
    assert Timed(seconds, np.ones(6)).undisturbed.tolist() == [True, True, True, True, False, False]
