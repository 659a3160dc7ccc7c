"""Script of the rules pool_folds and pool_curve."""

from finetone.script import Job

job = Job(snakemake)

from finetone.resampling.pooling import pool_folds

repeat = int(job.params.repeat)
pool_folds(job.inputs["folds"], repeat, job.target, job.provenance, seed=job.seed)
