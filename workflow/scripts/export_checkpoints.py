"""Script of the rule export_checkpoints."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.cards.export import export_checkpoints
from finetone.provenance import Provenance

export_checkpoints(
    [Path(checkpoint) for checkpoint in snakemake.input.checkpoints],
    Path(snakemake.input.results),
    Path(snakemake.output[0]),
    [Path(file) for file in snakemake.input.temperatures],
    provenance=Provenance.of_job(snakemake.params.settings, snakemake.input),
)
