"""Door of the rule download_dataset."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.data.download import prepare

wheel = snakemake.input.get("wheel")
prepare(
    snakemake.wildcards.dataset,
    # not params.block: that one may have the revision under which it was fetched before
    snakemake.config["datasets"][snakemake.wildcards.dataset],
    Path(snakemake.output[0]),
    wheel=Path(wheel) if wheel else None,
)
