"""`snakemake`, but asking Slurm every second: its pauses grow by 10 s with nothing to turn that off."""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(
    lambda self: 1.0, lambda self, value: None
)

if __name__ == "__main__":
    sys.exit(main())
