"""Script of the rule download_questions."""

import json

from finetone.script import Job

job = Job(snakemake)

from finetone.squad.questions import download

config_key = f"models.{job.wildcards.model}.intermediate"
download(json.loads(job.params.source), config_key, job.target, job.provenance)
