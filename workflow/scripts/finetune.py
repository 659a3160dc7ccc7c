"""Script of the rule finetune."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.engine.finetune import RunIdentity, RunPaths, finetune
from finetone.engine.recipe import EngineOptions, Recipe

model, train = job.inputs["model"], job.inputs["train"]
files.check_folder(model)
finetune(
    model,
    train,
    RunPaths(**job.outputs, state=job.outputs["run"].with_name("state")),
    RunIdentity(
        method=job.wildcards.model,
        seed=job.seed,
        dataset=job.settings["dataset"],
        made_from={"train": files.sha256(train), "model": files.sha256(model / "manifest.json")},
        provenance=job.provenance,
    ),
    dev=next(iter(job.inputs["dev"]), None),
    recipe=Recipe.of(job.settings["recipe"]),
    options=EngineOptions.of(job.settings["engine"]),
    threads=job.threads,
)
