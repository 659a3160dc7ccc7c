"""How often the tables are wrong: simulated experiments, as prediction files, through their code.

`benchmarks/inference.py` runs all of docs/statistics.md; here are the settings that were worst.
"""

import pytest
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
