"""Numbers are what a person would write, in all places that show them."""

from collections.abc import Callable

import pytest

from finetone import numbers


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (numbers.significant, 0.001234, "0.00123"),
        (numbers.significant, 12345.6, "12,346"),
        (numbers.significant, -0.0213, "−0.0213"),
        (numbers.significant, 0.0, "0"),
        (numbers.significant, -4e-17, "0"),
        (numbers.significant, 1e-6, "0.00000100"),
        (numbers.significant, float("inf"), "inf"),
        (numbers.signed, -0.021, "−2.1"),
        (numbers.signed, 0.00004, "0.0"),
        (numbers.percent, 0.7779, "77.8"),
        (numbers.percent, -0.00004, "0.0"),
        (numbers.percent, -0.23, "−23.0"),
        (numbers.share, 0.0, "0 %"),
        (numbers.share, 0.0001, "< 0.1 %"),
        (numbers.share, 0.0123, "1.2 %"),
        (numbers.share, 0.96234, "96 %"),
        (numbers.share, 0.99234, "99.2 %"),
        (numbers.share, 0.412, "41 %"),
        (numbers.share, 0.99999, "> 99.9 %"),
        (numbers.share, 1.0, "100 %"),
        (numbers.duration, 0.0000321, "32 µs"),
        (numbers.duration, 0.0032, "3.2 ms"),
        (numbers.duration, 0.42, "0.42 s"),
        (numbers.duration, 0.0, "0 s"),
        (numbers.duration, 59.6, "60 s"),
        (numbers.duration, 192, "3 min 12 s"),
        (numbers.duration, 7500, "2 h 05 min"),
        (numbers.duration, 720, "12 min"),
        (numbers.duration, 36_000_000, "10,000 h"),
        (numbers.size, 22_713_986, "22.7 M"),
        (numbers.size, 18_451_300.0, "18.5 M"),
        (numbers.size, 999_999, "1 M"),
        (numbers.size, 7_500, "7.5 k"),
        (numbers.size, 950, "950"),
        (numbers.size, 0, "0"),
        (numbers.size, 0.4512, "0.451"),
        (numbers.size, -1234.0, "−1.23 k"),
        (numbers.size, float("inf"), "inf"),
        (numbers.memory, 913e6, "913 MB"),
        (numbers.memory, 1.5e12, "1.5 TB"),
        (numbers.memory, 12_340, "12.3 kB"),
        (numbers.memory, 12, "12 B"),
        (numbers.size, 2e6, "2 M"),
        (numbers.rounded_duration, 0.01, "10 ms"),
        (numbers.rounded_duration, 600.0, "10 min"),
        (numbers.rounded_duration, 864000.0, "10 d"),
        (numbers.probability, 0.0004, "< 0.001"),
        (numbers.setting, 2e-05, "2e-5"),
        (numbers.setting, 0.0001, "1e-4"),
        (numbers.setting, 3.16e-05, "3.16e-5"),
        (numbers.setting, 0.00316, "0.00316"),
        (numbers.setting, 10.0, "10"),
        (numbers.setting, 0.0, "0"),
        (numbers.setting, 32, "32"),
        (numbers.setting, "linear", "linear"),
    ],
)
def test_numbers_read_well(write: Callable[[float], str], value: float, text: str) -> None:
    assert write(value) == text


def test_intervals_have_no_dash_beside_a_minus_sign() -> None:
    assert numbers.between(0.021, 0.03) == "2.1–3.0"
    assert numbers.between(-0.03, 0.021) == "−3.0 … 2.1"
    assert numbers.score_between("mcc", -0.1, 0.2) == "−0.100 … 0.200"
    assert numbers.score_between("accuracy", 0.728, 0.821) == "72.8–82.1"
    assert numbers.score("accuracy", float("nan")) == "–"
