"""Script of the rule export_checkpoints."""

from finetone.script import Job

job = Job(snakemake)

from finetone.cards.export import export_checkpoints

export_checkpoints(
    job.inputs["checkpoints"],
    job.inputs["results"],
    job.target,
    job.inputs["temperatures"],
    job.inputs["data"],
    job.settings.get("languages"),
    provenance=job.provenance,
)
