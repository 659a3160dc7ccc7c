"""What an entry's `hub:` names, and whether it can move."""

import pytest

from finetone.hub.repository import Repository


def test_an_entry_that_names_no_revision_means_main() -> None:
    repository = Repository.of("dataset", {"id": "owner/films"}, "datasets.films")
    assert (repository.revision, repository.config) == ("main", None)
    assert repository.config_key == "datasets.films"


@pytest.mark.parametrize(
    ("revision", "pinned"),
    [("0a" * 20, True), ("main", False), ("v1.0", False), ("0a" * 4, False), ("0A" * 20, False)],
)
def test_only_a_whole_commit_never_moves(revision: str, pinned: bool) -> None:
    hub = {"id": "owner/bert", "revision": revision, "config": None}
    assert Repository.of("model", hub, "models.bert").pinned is pinned
