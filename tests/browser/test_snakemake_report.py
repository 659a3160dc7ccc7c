"""Snakemake's own report (`--report`) writes parameters into its page as they are."""

from pathlib import Path

import pytest

pytest.importorskip("websockets", reason="the browser is driven over a web socket (websockets)")

from tests.browser.chromium import BINARY, Chromium
from tests.tiny import experiment
from tests.workflow.snake import snakemake

pytestmark = pytest.mark.skipif(BINARY is None, reason="Chromium is not installed")

RUNS = "document.documentElement.dataset.pwned = 1"
EVIL = f"</svg></script><script>{RUNS}</script><img src=x onerror='{RUNS}'>"


@pytest.mark.slow
def test_no_text_of_the_configuration_runs_in_it(tmp_path: Path) -> None:
    config = experiment(tmp_path / "input")
    config |= {"models": {}, "seeds": [1], "title": EVIL, "experiment": "evil"}
    config["baselines"] = {
        "majority": {"kind": "majority", "title": EVIL, "group": {"family": EVIL}},
        "tfidf": {"kind": "tfidf"},
    }
    for block in config["datasets"].values():
        label = EVIL[:64]
        block |= {"title": EVIL, "license": EVIL, "labels": ["neg", label]}
        block["label_values"] = {"pos": label, "neg": "neg"}
    done = snakemake(tmp_path, config=config)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    page = tmp_path / "snakemake.html"
    done = snakemake(tmp_path, "--report", str(page))
    assert done.returncode == 0, done.stderr
    assert f"<script>{RUNS}" not in page.read_text()
    browser = Chromium(tmp_path / "profile")
    try:
        browser.open(page, 1440)
        assert (
            browser.ask("document.documentElement.dataset.pwned || 'nothing ran'") == "nothing ran"
        )
        assert browser.ask("document.querySelectorAll('img[src=x]').length") == 0
        assert browser.ask("document.body.innerText.length") > 100, "the page is there"
    finally:
        browser.close()
