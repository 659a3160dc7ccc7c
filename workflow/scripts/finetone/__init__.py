"""finetone: fine-tune, compare and audit pretrained language models for sentiment."""

__version__ = "0.2.0"
SCHEMA_VERSION = (
    1  # of every JSON file and parquet metadata written; raised when a field changes meaning
)
