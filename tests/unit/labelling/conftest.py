from pathlib import Path

import pytest

from tests.unit.labelled_results import write_results


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished experiment; tests read it only."""
    return write_results(tmp_path_factory.mktemp("finished"))
