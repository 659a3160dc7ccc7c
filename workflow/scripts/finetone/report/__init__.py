"""The page: everything an experiment found, in one file that opens without a network."""

from finetone.report.inputs import ReportInputs
from finetone.report.page import write_report

__all__ = ["ReportInputs", "write_report"]
