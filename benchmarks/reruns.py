"""How long the comparison of records with the configuration takes at the start of a run.

python benchmarks/reruns.py --models 15 1000

Writes the records of a finished experiment of so many models (nothing else of it) into a temporary
folder, and times what every run does first: read them all, compare, look at the times of files. The
times are those of the processor, in which other programs have little part.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from finetone.config import checking as configuration
from finetone.experiment import reruns
from finetone.experiment.artifacts import Experiment
from finetone.files import write_json
from finetone.provenance import Provenance, digest, read, record_csv

ROOT = Path(__file__).parents[1]
FOOTER = b"x" * 3000  # about what a Parquet or Arrow file has before and after our metadata


def describe(models: int) -> Experiment:
    """An experiment of `models` models from the hub, one seed and two datasets, with 14 tables of
    all predictions and a table per model in place of its figure."""
    columns = {"text": "text", "label": "label", "labels": ["no", "yes"]}
    config = {
        "experiment": f"of-{models}",
        "seeds": [1],
        "source": "a",
        "transfer": ["b"],
        "datasets": {name: {"hub": {"id": name}, **columns} for name in "ab"},
        "models": {f"m{i}": {"hub": {"id": f"some/m{i}"}} for i in range(models)},
    }
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    config = configuration.check(config, schema)
    experiment = Experiment(config, Path(config["experiment"]))
    predictions = [f"predictions/{d}/{m}/seed1.parquet" for d in "ab" for m in experiment.models]
    for table in range(14):
        made_from = {"predictions": predictions, "speed": "speed/rounds.json"}
        experiment.add(f"tables/{table}.csv", {"confidence": 0.95}, made_from)
    for model in experiment.models:
        experiment.add(f"tables/{model}.csv", {}, {"run": f"runs/{model}/seed1/run.json"})
    return experiment


def write(experiment: Experiment, artifact: str, done: set[str]) -> None:
    """Write the record of `artifact`, after those of what it is made of."""
    if artifact in done:
        return
    done.add(artifact)
    settings, inputs = experiment.made(artifact)
    for each in inputs:
        write(experiment, each, done)
    path, record = experiment.folder / artifact, experiment.record(artifact)
    records = digest(read(experiment.record(each)) for each in inputs) or ""
    about = Provenance(experiment.fingerprint(artifact), settings, records)
    record.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        path.touch()
        record_csv(path, about)
    elif record.suffix == ".json":
        source = {"kind": "hub", "id": "some/m", "asked": "main", "revision": "c" * 40}
        files = {f"file{i}": "0" * 64 for i in range(8)}
        write_json(record, about.as_dict() | {"source": source, "files": files})
    else:
        word = b"PAR1" if path.suffix == ".parquet" else b"ARROW1"
        footer = FOOTER + str(about.as_dict()).replace("'", '"').encode() + FOOTER
        path.write_bytes(footer + len(footer).to_bytes(4, "little") + word)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[15, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for models in options.models:
            done: set[str] = set()
            experiment = describe(models)
            for artifact in experiment.added:
                write(experiment, artifact, done)
            seconds = []
            for _ in range(options.rounds):
                experiment = describe(models)
                start = time.process_time()
                found = reruns.find(experiment, experiment.added)
                seconds.append(time.process_time() - start)
            assert len(found.current) == len(done), "all of it is current"
            print(f"{models:5} models, {len(done):5} records: {min(seconds):.2f} s")
        os.chdir("/")


if __name__ == "__main__":
    main()
