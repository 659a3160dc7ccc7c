"""Fixtures for tests that need a hub; import them into a conftest.py to use them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import repositories
from tests.hub.server import Hub


@pytest.fixture(scope="session")
def hub_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shrunken repositories, `models/…` and `datasets/…`."""
    return repositories.build(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="session")
def served_hub(hub_root: Path) -> Iterator[Hub]:
    """All repositories behind a loopback server, once per session."""
    hub = Hub()
    hub.add_tree(hub_root)
    with hub.serving():
        yield hub


@pytest.fixture
def hub(served_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The served hub without faults, and this process's hub client pointed at it, cache empty."""
    from huggingface_hub import constants

    served_hub.reset()
    # the client reads its environment when imported, which another test may have done already
    monkeypatch.setattr(constants, "ENDPOINT", served_hub.endpoint)
    template = served_hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield served_hub
    served_hub.reset()


def client_environment(endpoint: str, home: Path) -> dict[str, str]:
    """Environment for a subprocess whose hub clients talk to `endpoint` and nobody else."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "OMP_NUM_THREADS": "1",
    }
