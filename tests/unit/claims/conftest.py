"""One invented experiment for all tests of claims."""

from pathlib import Path

import pytest

from finetone.claims.our_facts import OurFacts
from tests.unit.claims.invented import predict, read, tabulate


@pytest.fixture(scope="session")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return predict(tmp_path_factory.mktemp("predictions"))


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory, predictions: list[Path]) -> Path:
    return tabulate(tmp_path_factory.mktemp("tables"), predictions)


@pytest.fixture(scope="session")
def facts(tables: Path, predictions: list[Path]) -> OurFacts:
    return read(tables, predictions)
