"""What the script of a rule gets from Snakemake."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import Namedlist

from finetone import files, log, provenance
from finetone.script import Job, by_run


def test_a_job_has_paths_its_settings_and_records_of_what_it_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(log, "to_file", opened.append)
    manifest = tmp_path / "data/reviews/manifest.json"
    files.write_json(manifest, {"fingerprint": "0" * 64})
    data, run = str(manifest.parent), str(tmp_path / "runs/a/seed2/run.json")
    params = {
        name: json.dumps({"folder": str(tmp_path), "fingerprint": name, "settings": {"x": name}})
        for name in ("settings", "other")
    }
    inputs = Namedlist([data, data])  # as Snakemake has `data=folder, dev=[folder]`
    inputs._set_name("data", 0)
    inputs._set_name("dev", 1, end=2)
    job = Job(
        SimpleNamespace(
            log=["job.log"],
            input=inputs,
            output=Namedlist(fromdict={"run": run}),
            wildcards=SimpleNamespace(seed="2"),
            params=SimpleNamespace(**params),
            threads=3,
        )
    )
    assert opened == ["job.log"] and (job.seed, job.threads) == (2, 3)
    assert job.inputs == {"data": Path(data), "dev": [Path(data)]}
    assert job.outputs == {"run": Path(run)} and job.target == Path(run)
    assert job.settings == {"x": "settings"}
    assert job.provenance_of(params["other"]).settings == {"x": "other"}
    assert job.provenance.inputs == provenance.digest([provenance.read(manifest)])


def test_files_of_runs_are_found_by_method_and_seed() -> None:
    first, second = Path("x/runs/a/seed1/history.parquet"), Path("x/runs/a/seed12/history.parquet")
    assert by_run([first, second]) == {("a", 1): first, ("a", 12): second}
