"""The panel of a method says what the tables say."""

from pathlib import Path

import yaml

from finetone.formats.csv_table import read_csv
from finetone.numbers import duration
from finetone.plots.drawing.style import Style
from finetone.report import page
from finetone.report.elements import Maker
from finetone.report.method_panel import panels
from tests.unit.synthetic_results import report_inputs, write_experiment

LABELS = yaml.safe_load((Path(page.__file__).parent / "translations/en.yaml").read_text())


def test_the_training_time_is_that_of_the_cost_table(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path)
    style = Style.from_config(experiment.config)
    found = panels(Maker(report_inputs(experiment, {}), style, LABELS, {}, []))
    costs = read_csv(experiment.table("efficiency")).set_index("method")["train_seconds"]
    for panel in found:
        assert dict(panel.facts)["Training time"] == duration(costs[panel.method])
        assert panel.score == "Accuracy (%)"
