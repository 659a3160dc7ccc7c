"""The original study's whole experiment, all fifteen models and the sixteenth, against a loopback hub.

The models are shrunken and random, the data a small grammar; everything else is `config.yaml` as
it ships and the unmodified hub clients.
"""

import json
import re

import pandas as pd
import pytest
import yaml

from finetone.config.catalogue import in_full
from tests.hub.fixtures import client_environment, hub_root  # noqa: F401
from tests.hub.server import Hub, pins
from tests.workflow.snake import ROOT, snakemake

pytestmark = pytest.mark.slow
PAPER = in_full(yaml.safe_load((ROOT / "config/config.yaml").read_text()), {})
SMALL = {
    "max_length": 32,
    "recipe": {"learning_rate": 1e-3},
    "compare": {"resamples": 200},
    "baselines": {
        name: {"epochs": 1, "embedding": 8, "hidden": 8} for name in ("bilstm", "textcnn")
    },
    "models": {
        "ernie-2.0-base-en-finetuned-squad": {"intermediate": {"epochs": 1, "max_length": 64, "stride": 16}}
    },
    "resources": {
        rule: {"threads": 1}
        for rule in ("finetune", "evaluate", "transfer", "tokenize", "fit_baseline", "train_network",
                     "predict_baseline", "speed", "intermediate")
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def paper(hub_root, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("paper")
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
    files = [str(ROOT / "config/config.yaml"), str(folder / "small.yaml")]
    hub = Hub()
    hub.add_tree(hub_root, pins(PAPER))

    def run(*targets: str) -> None:
        environment = client_environment(hub.endpoint, folder / "hub-cache")
        done = snakemake(
            folder, "--quiet", "rules", "--configfile", *files, "--", *targets,
            **environment, timeout=1500,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-8000:]

    with hub.serving():
        run("fetch")
    made = {path.name for path in (folder / "results/paper").iterdir()}
    assert made == {"data", "models", "questions", "logs"}, "nothing but what needs the network"
    run()  # nobody answers there any more
    return folder / "results/paper"


def test_all_sixteen_are_trained_evaluated_and_transferred(paper):
    for model in PAPER["models"]:
        run = json.loads((paper / f"runs/{model}/seed1/run.json").read_text())
        assert run["epochs"] == 3 and run["parameters"]["total"] > 0
        batch = PAPER["models"][model].get("recipe", {}).get("batch_size", 32)
        assert run["recipe"]["batch_size"] == batch
        predictions = pd.read_parquet(paper / f"predictions/imdb/{model}/seed1.parquet")
        assert sorted(predictions["epoch"].unique()) == [1, 2, 3]
        assert (paper / f"predictions/sst2/{model}/seed1.parquet").exists()
        assert (paper / f"figures/curves/{model}.svg").exists()


def test_manifests_tell_where_every_model_is_from(paper):
    for model, entry in PAPER["models"].items():
        manifest = json.loads((paper / f"models/{model}/manifest.json").read_text())
        if "hub" in entry:
            assert re.fullmatch(r"[0-9a-f]{40}", manifest["revision"]), model
    squad = json.loads(
        (paper / "models/ernie-2.0-base-en-finetuned-squad/manifest.json").read_text()
    )
    assert squad["intermediate"]["label"] == "re-created"
    assert 0 <= squad["intermediate"]["exact_match"] <= squad["intermediate"]["f1"] <= 1
    scratch = json.loads((paper / "models/bert-scratch/manifest.json").read_text())
    assert scratch["weights"] == "random"


def test_the_main_table_has_a_row_per_model_and_the_baselines_theirs(paper):
    main = pd.read_csv(paper / "tables/main.csv")
    assert list(main["method"]) == list(PAPER["models"])
    assert (
        main[["acc_1", "acc_2", "acc_3", "loss_3", "parameters", "seconds_per_32"]]
        .notna()
        .all(axis=None)
    )
    assert set(pd.read_csv(paper / "tables/baselines.csv")["method"]) == set(PAPER["baselines"])


def test_the_published_table_is_audited_and_its_claims_judged(paper):
    audit = json.loads((paper / "published/audit.json").read_text())
    assert audit["schema_version"] == 1
    assert [len(c["impossible"]) for c in audit["columns"]] == [16, 0, 4]
    claims = pd.read_csv(paper / "tables/claims.csv")
    assert {f"C{i}" for i in range(1, 21)} <= set(claims["id"])
    assert set(claims["verdict"]) <= {"supported", "contradicted", "undecided"}
    match = pd.read_csv(paper / "tables/column_match.csv")
    assert set(match["verdict"]) <= {"training", "test", "cannot tell"}
    assert len(pd.read_csv(paper / "tables/parameters.csv")) >= 14
    tokenizers = pd.read_csv(paper / "tables/tokenizers.csv")
    assert set(tokenizers["model"]) == set(PAPER["models"])


def test_the_report_is_one_page_of_modest_size(paper):
    page = (paper / "report.html").read_text()
    assert len(page) < 5_000_000
    assert "C20" in page
    squad = json.loads(
        (paper / "models/ernie-2.0-base-en-finetuned-squad/manifest.json").read_text()
    )["intermediate"]
    assert "re-created here from ernie-2.0-base-en" in page
    assert f"exact match {100 * squad['exact_match']:.1f} %, F1 {100 * squad['f1']:.1f} %" in page
