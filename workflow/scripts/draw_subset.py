"""Script of the rule draw_subset."""

from finetone.script import Job

job = Job(snakemake)

from finetone.resampling.subsets import draw

draw(
    job.wildcards.subset,
    job.settings,
    job.inputs["data"],
    job.target,
    within=next(iter(job.inputs["within"]), None),
    near_duplicates=next(iter(job.inputs["near_duplicates"]), None),
    provenance=job.provenance,
)
