"""Door of the rule judge_claims."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.compare.claims import write_claims
from finetone.provenance import Provenance, record_csv

provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
settings, target = provenance.settings, Path(snakemake.output[0])
write_claims(
    Path(snakemake.params.folder) / "claims.yaml",
    Path(snakemake.input.tokenizers).parent,
    settings["groups"],
    settings["source"],
    target,
    settings["confidence"],
)
record_csv(target, provenance)
