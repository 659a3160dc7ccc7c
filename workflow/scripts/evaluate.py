"""Script of the rules evaluate (every epoch), transfer and predict_dev (the kept epoch)."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.engine.predict import predict
from finetone.formats import run_record
from finetone.provenance import Provenance

checkpoint = Path(snakemake.input.checkpoint)
epochs = snakemake.input.get("epochs")
run = run_record.check(Path(snakemake.input.run), "checkpoint", *(["epochs"] if epochs else []))
kept = run.kept_epoch
weights: dict[int, Path | None] = {kept: None}  # None: the checkpoint's own weights
for file in Path(epochs).glob("epoch*.safetensors") if epochs else ():
    weights[int(file.stem.removeprefix("epoch"))] = file
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
predict(
    checkpoint,
    dict(sorted(weights.items())),
    Path(snakemake.input.tokens),
    dataset=snakemake.params.dataset,
    method=snakemake.wildcards.model,
    seed=int(snakemake.wildcards.seed),
    kept_epoch=kept,
    engine=provenance.settings["engine"],
    threads=snakemake.threads,
    target=Path(snakemake.output[0]),
    split=snakemake.params.get("split", "test"),
    provenance=provenance,
)
