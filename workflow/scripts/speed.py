"""Script of the rule speed."""

from functools import partial
from pathlib import Path

from finetone import files, log

log.to_file(snakemake.log[0])

from finetone.baselines import fit_predict
from finetone.engine.speed import Model, measure
from finetone.formats import run_record
from finetone.provenance import Provenance

provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
batch_sizes = provenance.settings["batch_sizes"]
threads = min(snakemake.threads, snakemake.params.threads)  # it may hold more than it uses
models = {}
for folder, tokens in zip(snakemake.input.models, snakemake.input.tokens, strict=True):
    files.check_folder(Path(folder))
    name = Path(folder).name
    models[name] = Model(Path(folder), Path(tokens), batch_sizes[name])
baselines = {}
for path in map(Path, snakemake.input.baselines):  # runs/<method>/seed<k>/run.json
    method = run_record.check(path, "model").method
    baselines[method] = partial(fit_predict.predictor, path.with_name("model"), threads)
measure(
    models,
    baselines,
    files.split_of(Path(snakemake.input.data), "train"),
    engine=provenance.settings["engine"],
    threads=threads,
    target=Path(snakemake.output[0]),
    provenance=provenance,
)
