"""Script of the rule draw_subset."""

from finetone.script import Job

job = Job(snakemake)

from finetone.resampling.subsets import draw

draw(
    job.wildcards.subset,
    job.settings,
    job.inputs["data"],
    job.target,
    within=job.optional("within"),
    near_duplicates=job.optional("near_duplicates"),
    provenance=job.provenance,
)
