"""Script of the rule deviations_table."""

from finetone.script import Job

job = Job(snakemake)

from finetone.formats.csv_table import write_csv
from finetone.provenance import record_csv
from finetone.reproduction.choices import deviations
from finetone.reproduction.side_by_side import readings
from finetone.reproduction.study_file import read_study, write_study

folder, table = job.published(), job.outputs["deviations"]
study, known = read_study(folder), job.settings["choices"]
found = deviations(known, study.states, study.choices, readings(folder))
write_csv(found if study.states else found[:0], table)
record_csv(table, job.provenance_of(job.params.deviations))
write_study(folder, job.target, job.provenance)
