"""Script of the rule audit_dataset."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.data.audit import audit_dataset
from finetone.provenance import Provenance

audit_dataset(
    Path(snakemake.input.data) / "manifest.json",
    Path(snakemake.output[0]),
    Provenance.of_job(snakemake.params.settings, snakemake.input),
)
