"""Door of the rules evaluate (every epoch) and transfer (the kept epoch)."""

from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.engine.predict import predict

run, checkpoint = files.read_json(snakemake.input.run), Path(snakemake.input.checkpoint)
files.unchanged(snakemake.input.run, {"checkpoint/model.safetensors": run["checkpoint"]})
kept = run["kept_epoch"]
weights: dict[int, Path | None] = {kept: None}  # None: the checkpoint's own weights
if snakemake.input.get("epochs"):
    for file in Path(snakemake.input.epochs).glob("epoch*.safetensors"):
        weights[int(file.stem.removeprefix("epoch"))] = file
predict(
    checkpoint,
    dict(sorted(weights.items())),
    Path(snakemake.input.tokens),
    dataset=snakemake.params.dataset,
    method=snakemake.wildcards.model,
    seed=int(snakemake.wildcards.seed),
    kept_epoch=kept,
    engine=snakemake.params.engine,
    threads=snakemake.threads,
    target=Path(snakemake.output[0]),
)
