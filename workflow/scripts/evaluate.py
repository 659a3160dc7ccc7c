"""Script of the rules evaluate, predict_fold (every epoch), transfer and predict_dev (the kept one)."""

from pathlib import Path

from finetone.script import Job

job = Job(snakemake)

from finetone.engine.predict import predict
from finetone.formats import run_record

epochs = job.inputs.get("epochs")
run = run_record.check(job.inputs["run"], "checkpoint", *(["epochs"] if epochs else []))
weights: dict[int, Path | None] = {run.kept_epoch: None}  # None: the checkpoint's own weights
for file in epochs.glob("epoch*.safetensors") if epochs else ():
    weights[int(file.stem.removeprefix("epoch"))] = file
predict(
    job.inputs["checkpoint"],
    dict(sorted(weights.items())),
    job.inputs["tokens"],
    dataset=job.params.dataset,
    method=job.wildcards.model,
    seed=job.seed,
    kept_epoch=run.kept_epoch,
    engine=job.settings["engine"],
    threads=job.threads,
    target=job.target,
    split=job.params.get("split", "test"),
    held_out_by=job.inputs.get("rows"),
    provenance=job.provenance,
)
