"""Door of the rule tokenize."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.data.tokens import tokenize

data, model = Path(snakemake.input.data), Path(snakemake.input.model)
split, facts = f"{snakemake.wildcards.split}.parquet", files.read_json(data / "manifest.json")
hashes = {split: facts["splits"][snakemake.wildcards.split]}
files.unchanged(data / "manifest.json", hashes)
tokenize(
    data / split,
    model,
    facts["labels"],
    snakemake.params.max_length,
    Path(snakemake.output[0]),
    made_from={"data": hashes[split], "model": files.sha256(model / "manifest.json")},
)
