"""Script of the rule match_published."""

from collections import defaultdict
from pathlib import Path

from finetone import log

log.to_file(snakemake.log[0])

from finetone.identity import files_in, refuse_changed
from finetone.provenance import Provenance, record_csv
from finetone.published.matching import write_column_match, write_parameters

folder = Path(snakemake.params.folder)
provenance = Provenance.of_job(snakemake.params.settings, snakemake.input)
refuse_changed(files_in(folder), provenance.settings["content"])
match, parameters = Path(snakemake.output.match), Path(snakemake.output.parameters)
histories = defaultdict(list)
for path in map(Path, snakemake.input.histories):  # runs/<model>/seed<k>/history.parquet
    histories[path.parts[-3]].append(path)
write_column_match(
    folder,
    Path(snakemake.input.runs),
    histories,
    provenance.settings["source"],
    match,
    provenance.settings["confidence"],
)
record_csv(match, provenance)
write_parameters(folder, [Path(p) for p in snakemake.input.runs_json], parameters)
record_csv(parameters, Provenance.of_job(snakemake.params.parameters, snakemake.input))
