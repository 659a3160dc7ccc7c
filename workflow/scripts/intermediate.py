"""Script of the rule intermediate."""

from finetone.script import Job

job = Job(snakemake)

from finetone.squad.intermediate import intermediate

intermediate(
    job.wildcards.model,
    job.settings,
    job.inputs["base"],
    job.inputs["questions"],
    job.target,
    state=job.target.with_name(f".{job.target.name}.state"),
    threads=job.threads,
    provenance=job.provenance,
)
