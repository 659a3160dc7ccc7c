"""Script of the rules try_model, try_network and try_baseline."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.identity import without
from finetone.tuning.trying import Attempt, try_baseline

inputs, settings = job.inputs, job.settings
attempt = Attempt(
    target=job.target,
    method=job.wildcards.get("model") or job.wildcards.method,
    name=job.wildcards.trial,
    values=settings["values"],
    seed=settings["seed"],
    epochs=settings["last_epoch"],
    until=int(job.wildcards.epoch),
    before=job.optional("before"),
    promoted=job.optional("promoted"),
    provenance=job.provenance,
)
rows = job.optional("rows")
if "model" in inputs:
    from finetone.engine.recipe import EngineOptions, Recipe
    from finetone.tuning.training import try_model

    files.check_folder(inputs["model"])
    try_model(
        attempt,
        inputs["model"],
        inputs["train"],
        inputs["dev"],
        recipe=Recipe.of(settings["recipe"] | attempt.values),
        options=EngineOptions.of(settings["engine"]),
        threads=job.threads,
        rows=rows,
    )
else:
    from finetone.baselines.fit_predict import read_task

    data = inputs["data"]
    known = ("max_length", "engine", "values", "seed", "last_epoch")
    given = {
        "max_length": settings.get("max_length", 0),
        "engine": settings.get("engine", {}),
        "seed": attempt.seed,
        "threads": job.threads,
        "state": attempt.state,
    }
    task, dev = (
        read_task(
            attempt.method,
            without(settings, *known) | attempt.values,
            files.split_of(data, split),
            data / "manifest.json",
            rows=rows if split == "train" else None,
            **given,
        )
        for split in ("train", "dev")
    )
    try_baseline(attempt, task, dev)
