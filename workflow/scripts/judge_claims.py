"""Script of the rule judge_claims."""

from finetone.script import Job, by_run

job = Job(snakemake)

from finetone.claims.judging import write_claims
from finetone.claims.our_facts import read_facts
from finetone.provenance import record_csv

folder, settings = job.published(), job.settings
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
claims, padded = folder / "claims.yaml", job.optional("padded")
write_claims(claims, facts, job.target, settings["confidence"], padded)
record_csv(job.target, job.provenance)
