"""Which jobs run beside a job, and in which order they run, changes nothing that they make."""

import pytest
import yaml

from tests.workflow.same import differences
from tests.workflow.snake import snakemake


@pytest.mark.slow
def test_one_job_at_a_time_and_the_last_first(finished, tmp_path):
    """The finished experiment ran two jobs side by side, as Snakemake saw fit."""
    beside, config = finished
    trained = sorted((beside / "results/small/predictions/films").rglob("*.parquet"), reverse=True)
    names = [str(file.relative_to(beside)) for file in trained]
    assert len(names) == 6
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    for name in names[:3]:  # each in a call of its own
        done = snakemake(tmp_path, "--cores", "1", "--", name)
        assert done.returncode == 0, done.stderr[-4000:]
    done = snakemake(tmp_path, "--cores", "1", "--prioritize", *names[3:6], "--", *names)
    assert done.returncode == 0, done.stderr[-4000:]
    different = differences(beside / "results/small", tmp_path / "results/small")
    made = [name for name in different if not name.endswith("is missing")]
    missing = [name for name in different if name.startswith(("predictions/films", "runs"))]
    assert made == [] and missing == []
