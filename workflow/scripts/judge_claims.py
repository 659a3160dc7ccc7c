"""Script of the rule judge_claims."""

from pathlib import Path

from finetone.script import Job

job = Job(snakemake)

from finetone.claims.judging import write_claims
from finetone.identity import files_in, refuse_changed
from finetone.provenance import record_csv

folder, settings = Path(job.params.folder), job.settings
refuse_changed(files_in(folder), settings["content"])
write_claims(
    folder / "claims.yaml",
    job.inputs["tokenizers"].parent,
    settings["groups"],
    settings["source"],
    job.target,
    settings["confidence"],
)
record_csv(job.target, job.provenance)
