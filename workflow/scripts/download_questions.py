"""Door of the rule download_questions."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.models.squad_data import download

download(
    # not params.source: that one may have the revision under which it was fetched before
    snakemake.config["models"][snakemake.wildcards.model]["intermediate"]["hub"],
    f"models.{snakemake.wildcards.model}.intermediate",
    Path(snakemake.output[0]),
)
