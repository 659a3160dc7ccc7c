"""Pages of invented results, and one browser to open them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("websockets", reason="the browser is driven over a web socket (websockets)")

from finetone.plots.drawing.style import Style
from finetone.report import write_report
from tests.browser.chromium import Chromium
from tests.unit.synthetic_results import draw_all, report_inputs, write_experiment

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="package")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for language in LANGUAGES:
        folder = tmp_path_factory.mktemp(language)
        experiment = write_experiment(folder, language=language)
        found[language] = folder / "report.html"
        inputs = report_inputs(experiment, draw_all(experiment))
        write_report(inputs, Style.from_config(experiment.config), found[language])
    return found


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()
