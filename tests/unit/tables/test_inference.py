"""How often the tables are wrong: simulated experiments, as prediction files, through their code.

`benchmarks/inference.py` runs all of docs/statistics.md; here are the settings that were worst.
"""

import sys
from pathlib import Path

import pandas as pd
import pytest
from benchmarks import inference
from benchmarks.inference import Design, simulate

DESIGNS = [
    Design(methods=2, seeds=2, rows=2000, sd=1.0),
    Design(methods=3, seeds=2, rows=2000, sd=3.0, uneven=True),
    Design(methods=8, seeds=2, rows=300, sd=1.5, deterministic=2, single=1),
]


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_equal_methods_rarely_differ_and_intervals_cover(design: Design) -> None:
    found = simulate(design, 0, 120, summary=False)
    # nominal 5 %, at most 6 % in the long run; 120 experiments leave a standard error of 2 %
    assert found["false"] <= 0.05 + 3 * 0.02
    assert found["difference"] >= 0.93 and found["ranking"] >= 0.93


def test_a_simulation_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [Design(2, 2, 40, 1.0), Design(2, 2, 50, 1.0, metric="loss")]
    monkeypatch.setattr(inference, "designs", lambda: iter(small))
    at_once, in_parts = tmp_path / "a.csv", tmp_path / "b.csv"
    for file, repetitions in ((at_once, 6), (in_parts, 4), (in_parts, 6)):
        asked = ["inference", "--repetitions", str(repetitions), "--results", str(file)]
        monkeypatch.setattr(sys, "argv", asked)
        inference.main()
    once, parts = pd.read_csv(at_once), pd.read_csv(in_parts)
    pd.testing.assert_frame_equal(once, parts)
    assert parts.groupby("rows")["experiments"].sum().tolist() == [6, 6]
    assert "all designs (12): false 0" in capsys.readouterr().out
