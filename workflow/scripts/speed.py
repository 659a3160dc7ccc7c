"""Door of the rule speed."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.engine.speed import measure
from finetone.files import sha256

model, tokens = Path(snakemake.input.model), Path(snakemake.input.tokens)
measure(
    model,
    tokens,
    batch_size=snakemake.params.batch_size,
    engine=snakemake.params.engine,
    threads=snakemake.threads,
    method=snakemake.wildcards.model,
    target=Path(snakemake.output[0]),
    made_from={"tokens": sha256(tokens), "model": sha256(model / "manifest.json")},
)
