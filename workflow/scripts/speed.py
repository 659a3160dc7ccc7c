"""Script of the rule speed."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.engine.speed import measure
from finetone.files import sha256
from finetone.provenance import Provenance

model, tokens = Path(snakemake.input.model), Path(snakemake.input.tokens)
files.check_folder(model)
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
measure(
    model,
    tokens,
    batch_size=provenance.settings["batch_size"],
    engine=provenance.settings["engine"],
    threads=snakemake.threads,
    method=snakemake.wildcards.model,
    target=Path(snakemake.output[0]),
    made_from={"tokens": sha256(tokens), "model": sha256(model / "manifest.json")},
    provenance=provenance,
)
