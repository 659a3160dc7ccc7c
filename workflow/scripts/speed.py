"""Script of the rules speed and speed_padded."""

from functools import partial

from finetone.script import Job

job = Job(snakemake)

from finetone import files
from finetone.baselines import fit_predict
from finetone.engine.speed import TASKS, Model, Probe, measure
from finetone.formats import run_record
from finetone.tuning.choosing import chosen

batch_sizes = job.settings["batch_sizes"]
for path in job.inputs["tuned"]:  # tuning/<model>.json
    batch_sizes[path.stem] = chosen(path)["batch_size"]
threads = min(job.threads, job.params.threads)  # it may hold more than it uses
models = {}
for folder, tokens in zip(job.inputs["models"], job.inputs["tokens"], strict=True):
    files.check_folder(folder)
    models[folder.name] = Model(folder, tokens, batch_sizes[folder.name])
baselines, probes = {}, {}
for path in job.inputs.get("baselines", []):  # runs/<method>/seed<k>/run.json
    run, folder = run_record.check(path, "model"), path.with_name("model")
    if run.kind == "probe":
        classify = fit_predict.of_vectors(folder)
        probes[run.method] = Probe(run.recipe["model"], run.recipe["pooling"], classify)
    else:
        baselines[run.method] = partial(fit_predict.predictor, folder, threads)
measure(
    models,
    baselines,
    files.split_of(job.inputs["data"], "train"),
    probes=probes,
    engine=job.settings["engine"],
    threads=threads,
    tasks=job.settings.get("tasks", TASKS),
    target=job.target,
    provenance=job.provenance,
)
