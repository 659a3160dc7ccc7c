"""Script of the rule download_questions."""

import json
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.provenance import Provenance
from finetone.squad.questions import download

download(
    json.loads(snakemake.params.source),
    f"models.{snakemake.wildcards.model}.intermediate",
    Path(snakemake.output[0]),
    Provenance.of_job(snakemake.params.settings, snakemake.input),
)
