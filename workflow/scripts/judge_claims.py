"""Script of the rule judge_claims."""

from pathlib import Path

from finetone.script import Job, by_run

job = Job(snakemake)

from finetone.claims.judging import write_claims
from finetone.claims.our_facts import read_facts
from finetone.identity import files_in, refuse_changed
from finetone.provenance import record_csv

folder, settings = Path(job.params.folder), job.settings
refuse_changed(files_in(folder), settings["content"])
facts = read_facts(
    job.inputs["tokenizers"].parent,
    job.inputs["predictions"],
    settings["groups"],
    settings["source"],
    settings["roles"],
    settings["seed_sd"],
    settings["confidence"],
    by_run(job.inputs["histories"]),
    job.inputs["data"],
    job.inputs["speed"],
)
padded = next(iter(job.inputs["padded"]), None)
write_claims(folder / "claims.yaml", facts, job.target, settings["confidence"], padded)
record_csv(job.target, job.provenance)
