"""Script of the rule fit_temperature."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.calibrate import fit_temperature
from finetone.provenance import Provenance

fit_temperature(
    Path(snakemake.input[0]),
    Path(snakemake.output[0]),
    Provenance.of_job(snakemake.params.settings, snakemake.input),
)
