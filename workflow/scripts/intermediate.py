"""Script of the rule intermediate."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.provenance import Provenance
from finetone.squad.intermediate import intermediate

target = Path(snakemake.output[0])
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
intermediate(
    snakemake.wildcards.model,
    provenance.settings,
    Path(snakemake.input.base),
    Path(snakemake.input.questions),
    target,
    state=target.parent / f".{target.name}.state",
    threads=snakemake.threads,
    provenance=provenance,
)
