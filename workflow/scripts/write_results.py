"""Script of the rule results."""

from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.provenance import Provenance
from finetone.report.results_json import write_results

provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
write_results(
    {Path(table).stem: Path(table) for table in snakemake.input.tables},
    manifests=[Path(data) / "manifest.json" for data in snakemake.input.data],
    runs=[Path(run) for run in snakemake.input.runs],
    target=Path(snakemake.output[0]),
    **provenance.settings,
    provenance=provenance,
)
