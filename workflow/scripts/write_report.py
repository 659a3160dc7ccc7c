"""Script of the rule report."""

import json
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.plots.style import Style
from finetone.provenance import Provenance, seal
from finetone.report import ReportInputs, write_report

provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
target = Path(snakemake.output[0])
figures = [Path(figure) for figure in snakemake.input.figures]
write_report(
    ReportInputs(
        config=provenance.settings["config"],
        tables={Path(table).stem: Path(table) for table in snakemake.input.tables},
        figures={str(f.relative_to(target.parent / "figures").with_suffix("")): f for f in figures},
        manifests=[Path(data) / "manifest.json" for data in snakemake.input.data],
        audits=[Path(audit) for audit in snakemake.input.audits],
        runs=[Path(run) for run in snakemake.input.runs],
        models=[Path(model) / "manifest.json" for model in snakemake.input.models],
        published_audit=Path(snakemake.input.published[0]) if snakemake.input.published else None,
        command=json.loads(snakemake.params.command),
    ),
    Style(**provenance.settings["style"]),
    target,
)
seal(target, provenance)
