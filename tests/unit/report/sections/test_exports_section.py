"""The page says what an exported model lost, so that nobody ships it unaware."""

from pathlib import Path

import pandas as pd
import pytest

from finetone.formats.csv_table import write_csv
from finetone.plots.drawing.style import Style
from finetone.report import write_report
from tests.unit.synthetic_results import report_inputs, write_experiment


@pytest.mark.parametrize(
    ("language", "worse", "unchanged"),
    [
        ("en", "than the original: by 2.1 points (−3.0 … −1.2)", "a loss of up to 0.3 points is not"),
        ("zh", "低 2.1 个百分点（−3.0 … −1.2）", "至多 0.3 个百分点的损失未被排除"),
    ],
)  # fmt: skip
def test_a_loss_is_stated_with_its_interval(
    tmp_path: Path, language: str, worse: str, unchanged: str
) -> None:
    experiment = write_experiment(tmp_path, models=1, language=language)
    (model,) = experiment.models
    rows = [
        ("original", 0.0, 0.0, 0.0),
        ("fp32", 0.0, -0.003, 0.003),
        ("int8", -0.021, -0.03, -0.012),
    ]
    numbers = {
        "accuracy": 0.9,
        "agreement": 0.98,
        "bytes": 9.1e7,
        "inference_examples_per_s": 300.0,
    }
    table = pd.DataFrame(
        [
            {"dataset": "movies", "method": model, "form": form, "difference": value,
             "difference_low": low, "difference_high": high, **numbers}
            for form, value, low, high in rows
        ]
    )  # fmt: skip
    write_csv(table, experiment.table("exports"))
    target = tmp_path / "report.html"
    write_report(report_inputs(experiment, {}), Style.from_config(experiment.config), target)
    page = target.read_text("utf-8")
    assert 'id="exports"' in page and worse in page and unchanged in page
