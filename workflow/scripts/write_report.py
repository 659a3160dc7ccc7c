"""Script of the rule report."""

import json

from finetone.script import Job

job = Job(snakemake)

from finetone.plots.drawing.style import Style
from finetone.provenance import seal
from finetone.report import ReportInputs, write_report

inputs, folder = job.inputs, job.target.parent / "figures"
published = {part.stem: part for part in inputs["published"]}
write_report(
    ReportInputs(
        config=job.settings["config"],
        tables={table.stem: table for table in inputs["tables"]},
        figures={str(f.relative_to(folder).with_suffix("")): f for f in inputs["figures"]},
        manifests=[data / "manifest.json" for data in inputs["data"]],
        audits=inputs["audits"],
        runs=inputs["runs"],
        models=[model / "manifest.json" for model in inputs["models"]],
        tokens={tokens.stem: tokens for tokens in inputs["tokens"]},
        published_audit=published.get("audit"),
        study=published.get("study"),
        command=json.loads(job.params.command),
        folder=job.folder,
    ),
    Style(**job.settings["style"]),
    job.target,
)
seal(job.target, job.provenance)
