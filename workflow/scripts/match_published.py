"""Script of the rule match_published."""

from collections import defaultdict

from finetone.script import Job

job = Job(snakemake)

from finetone.provenance import record_csv
from finetone.published.matching import write_column_match, write_parameters

folder, settings = job.published(), job.settings
match, parameters = job.outputs["match"], job.outputs["parameters"]
histories = defaultdict(list)
for path in job.inputs["histories"]:  # runs/<model>/seed<k>/history.parquet
    histories[path.parts[-3]].append(path)
write_column_match(
    folder, job.inputs["runs"], histories, settings["source"], match, settings["confidence"]
)
record_csv(match, job.provenance)
write_parameters(folder, job.inputs["runs_json"], parameters)
record_csv(parameters, job.provenance_of(job.params.parameters))
