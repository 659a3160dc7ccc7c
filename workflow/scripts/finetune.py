"""Script of the rules finetune and finetune_on_subset."""

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.engine.finetune import RunIdentity, RunPaths, finetune
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.tuning.choosing import chosen

model, train = job.inputs["model"], job.inputs["train"]
files.check_folder(model)
tuned = chosen(job.optional("tuned"))
finetune(
    model,
    train,
    RunPaths(**job.outputs, state=job.outputs["run"].with_name("state")),
    RunIdentity(
        method=job.wildcards.model,
        seed=job.seed,
        dataset=job.settings["dataset"],
        made_from={"train": files.sha256(train), "model": files.sha256(model / "manifest.json")},
        tuned=tuned,
        provenance=job.provenance,
    ),
    dev=job.optional("dev"),
    recipe=Recipe.of(job.settings["recipe"] | tuned),
    options=EngineOptions.of(job.settings["engine"]),
    threads=job.threads,
    rows=job.inputs.get("rows"),
)
