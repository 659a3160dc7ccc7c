"""A model card with results, read by the model hub's own reader."""

from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard

from finetone.cards.model_index import About, write_card
from finetone.config import catalogue
from finetone.errors import UserError
from finetone.files import write_json
from finetone.formats.temperature import Temperature

README = "---\nlibrary_name: transformers\ntags: [sentiment-analysis]\n---\n# m\n\n---\nText.\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    def entry(dataset: str, correct: int) -> dict[str, object]:
        scores = dict.fromkeys(("balanced_accuracy", "macro_f1", "auc", "brier", "ece"), 0.25)
        run = {"seed": 1, "correct": correct, "accuracy": correct / 200, "loss": 0.31, "mcc": None}
        errors = {**dict.fromkeys(scores, 0.01), "loss": 0.02, "mcc": None}
        run |= {**scores, "standard_errors": errors}
        return {"dataset": dataset, "method": "m", "n": 200, "runs": [run]}

    content = {
        "confidence": 0.95,
        "datasets": [{"dataset": "movies", "sha256": {"test": "ab" * 32}}],
        "results": [entry("movies", 180), entry("products", 150)],
    }
    content["datasets"].append({"dataset": "products", "sha256": {}})  # type: ignore[attr-defined]
    write_json(tmp_path / "results.json", content)
    (tmp_path / "README.md").write_text(README)
    return tmp_path / "results.json"


def test_the_hubs_reader_finds_every_result(results: Path, tmp_path: Path) -> None:
    write_card(tmp_path / "README.md", results, "m", 1, tmp_path / "card.md")
    card = ModelCard.load(tmp_path / "card.md")
    found = {(r.dataset_name, r.metric_type): r for r in card.data.eval_results}
    accuracy = found["movies", "accuracy"]
    assert accuracy.metric_value == 0.9
    assert accuracy.dataset_revision == "ab" * 32
    low, high = accuracy.metric_args["low"], accuracy.metric_args["high"]
    assert (low, high) == pytest.approx((0.850641, 0.934275), abs=2e-4)
    loss = found["products", "loss"]
    assert loss.metric_value == 0.31
    interval = loss.metric_args["low"], loss.metric_args["high"]
    spread = np.exp(1.96 * 0.02 / 0.31)  # of a loss on the scale of its logarithm
    assert interval == pytest.approx((0.31 / spread, 0.31 * spread), abs=1e-4)
    assert ("movies", "mcc") not in found, "undefined metrics are left out"
    assert card.data.library_name == "transformers"
    assert card.text.strip().startswith("# m\n\n---\nText.\n\n## Use\n")
    assert "| `movies` | accuracy | 0.9000 | 0.8506 – 0.9343 | 200 |" in card.text
    assert "No temperature was fitted, for there were no dev rows" in card.text
    assert "licence of the base model is not recorded" in card.text


def test_a_card_has_what_hubs_ask_for(results: Path, tmp_path: Path) -> None:
    front = "library_name: transformers\nbase_model: a/b\nlicense: mit\n"
    body = "# m\n\nText.\n\n## Limits\n\nTexts are cut to 77 tokens.\n"
    (tmp_path / "README.md").write_text(f"---\n{front}---\n{body}")
    fitted = Temperature(
        method="m", seed=1, dataset="movies", kept_epoch=3, temperature=1.625, reason="", rows=120,
        loss=0.5, scaled_loss=0.4,
    )  # fmt: skip
    about = About({"movies": "org/movies"}, ["en", "de"], fitted)
    write_card(tmp_path / "README.md", results, "m", 1, tmp_path / "card.md", about)
    card = ModelCard.load(tmp_path / "card.md")
    assert (card.data.license, card.data.base_model, card.data.datasets) == (
        "mit",
        "a/b",
        ["org/movies"],
    )
    assert card.data.language == ["en", "de"]
    types = {result.dataset_name: result.dataset_type for result in card.data.eval_results}
    assert types == {"movies": "org/movies", "products": "products"}
    assert (
        "overconfident" in card.text
        and "temperature 1.625" in card.text
        and "120 dev rows" in card.text
    )
    assert "licence of the base model" not in card.text and "max_length=77" in card.text
    assert card.text.index("## Results") < card.text.index("\n\n## Limits\n")


def test_languages_are_those_of_the_catalogue_or_stated() -> None:
    name, entry = next((n, e) for n, e in catalogue.load().items() if "hub" in e.block)
    models = {name: entry.block, "own": {"group": {"language": "many"}}, "other": {"path": "x"}}
    models["same-name"] = {"hub": {"id": "else/where"}}
    assert catalogue.languages(models) == {name: list(entry.languages), "own": ["multilingual"]}


def test_bad_input_is_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no results of 'm', seed 2"):
        write_card(tmp_path / "README.md", results, "m", 2, tmp_path / "card.md")
    (tmp_path / "README.md").write_text("no front matter")
    with pytest.raises(UserError, match=r"README.md: no YAML front matter"):
        write_card(tmp_path / "README.md", results, "m", 1, tmp_path / "card.md")
    assert not (tmp_path / "card.md").exists()
