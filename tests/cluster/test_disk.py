"""How much disk one run holds at its worst, and what is left of it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from finetone.data.tokens import tokenize_split
from finetone.engine import finetune as module
from tests.tiny import write_bert
