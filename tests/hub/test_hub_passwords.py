"""A password in HF_ENDPOINT is used, and is in nothing that is printed or written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import library_path
from tests.hub.fixtures import client_environment
from tests.hub.server import Hub

SECRET = "Tr0ub4dor-and-3"
TOKEN = "hf_" + "aZ09" * 8

JOB = """
import json, sys, threading, warnings, logging
from pathlib import Path
from finetone import log
log.to_file("job.log")
from finetone.data.download import prepare as prepare_data
from finetone.models.prepare import prepare

what = sys.argv[1]
if what == "works":
    prepare("m", {"hub": {"id": "nghuyong/ernie-2.0-base-en"}}, Path("m"))
    labels = ["negative", "positive"]
    block = {"hub": {"id": "stanfordnlp/imdb"}, "text": "text", "label": "label", "labels": labels}
    prepare_data("imdb", block, Path("imdb"), None)
elif what == "no such model":
    prepare("m", {"hub": {"id": "nobody/nothing"}}, Path("m"))
elif what == "no such data":
    block = {"hub": {"id": "nobody/nothing"}, "text": "t", "label": "l", "labels": ["a", "b"]}
    prepare_data("d", block, Path("d"), None)
elif what == "a fault of ours":
    import os
    from huggingface_hub import constants
    warnings.warn("slow: " + constants.ENDPOINT)
    logging.getLogger("huggingface_hub").warning("retrying %s", constants.ENDPOINT)
    thread = threading.Thread(target=lambda: open(constants.ENDPOINT))
    thread.start()
    thread.join()
    raise ZeroDivisionError(f"{constants.ENDPOINT} with {os.environ['HF_TOKEN']}")
"""


def run(what: str, endpoint: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", JOB, what],
        env={**client_environment(endpoint, folder / "home"), "PYTHONPATH": library_path(), **more},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_secret(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert SECRET not in done.stdout + done.stderr and TOKEN not in done.stdout + done.stderr
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        content = file.read_bytes()
        assert SECRET.encode() not in content and TOKEN.encode() not in content, file


def test_fetching_with_a_password_works(hub: Hub, tmp_path: Path) -> None:
    endpoint = hub.endpoint.replace("://", f"://anna:{SECRET}@")
    done = run("works", endpoint, tmp_path, HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "imdb" / "manifest.json").read_text())["rows"]["train"]
    assert_secret(done, tmp_path)


@pytest.mark.parametrize("what", ["no such model", "no such data"])
def test_a_sentence_about_the_hub_tells_no_password(hub: Hub, tmp_path: Path, what: str) -> None:
    endpoint = hub.endpoint if what == "no such data" else "http://127.0.0.1:9"  # nobody listens
    done = run(what, endpoint.replace("://", f"://anna:{SECRET}@"), tmp_path, HF_TOKEN=TOKEN)
    told = done.stderr + (tmp_path / "job.log").read_text()
    assert done.returncode != 0 and "nobody/nothing" in done.stderr and "Traceback" not in told
    assert_secret(done, tmp_path)


def test_tracebacks_and_libraries_tell_no_password(hub: Hub, tmp_path: Path) -> None:
    endpoint = hub.endpoint.replace("://", f"://anna:{SECRET}@")
    done = run("a fault of ours", endpoint, tmp_path, HF_TOKEN=TOKEN)
    assert "ZeroDivisionError: http://***@127.0.0.1" in done.stderr
    assert "retrying http://***@127.0.0.1" in done.stderr  # the library's own handler
    log = (tmp_path / "job.log").read_text()
    assert "Traceback" in log and "ZeroDivisionError: http://***@127.0.0.1" in log
    assert "slow: http://***@127.0.0.1" in log
    assert "FileNotFoundError" in log  # of the thread
    assert_secret(done, tmp_path)


def test_an_address_that_no_library_understands_tells_no_password(tmp_path: Path) -> None:
    done = run("no such model", f"http://anna:{SECRET}/@127.0.0.1:9", tmp_path)
    assert done.returncode != 0 and done.stderr.startswith("finetone: HF_ENDPOINT: is no address")
    assert_secret(done, tmp_path)
