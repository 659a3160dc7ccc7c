"""Run an ONNX file on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Session:
    """One file, with so many CPU threads."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )

    def logits(self, batch: dict[str, Any]) -> npt.NDArray[np.float32]:
        """Logits [b, classes] of a batch, as `onnx_files.padded` makes it."""
        found: npt.NDArray[np.float32] = self._session.run(["logits"], batch)[0]
        return found
