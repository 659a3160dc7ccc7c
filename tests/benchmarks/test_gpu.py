"""What is to run on a GPU for minutes runs here, shrunken, with nothing but what is there."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tests import ROOT
from tests.tiny import write_bert

BENCHMARKS = ROOT / "benchmarks"
# What the machine with the GPU has, and what these need themselves.
THERE = {
    "torch", "transformers", "numpy", "pyarrow", "safetensors", "tokenizers", "huggingface-hub",
    "pyyaml", "filelock",
}  # fmt: skip
NAMES = {
    "scikit-learn": "sklearn",
    "protobuf": "google.protobuf",
    "vadersentiment": "vaderSentiment",
}


BLOCK = """
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec

class NoPandas(MetaPathFinder, Loader):  # pyarrow looks at the version of what is in sys.modules
    def find_spec(self, name, *_):
        return ModuleSpec(name, self) if name == "pandas" else None

    def create_module(self, spec):
        raise ModuleNotFoundError("No module named 'pandas'", name="pandas")

sys.meta_path.insert(0, NoPandas())
sys.modules.update(dict.fromkeys(MISSING))
"""


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def others() -> list[str]:
    """Packages of the project, and of its tests, that are not there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {each.split(">")[0].split("=")[0].strip().lower() for each in wanted} - THERE
    return [NAMES.get(name, name.replace("-", "_")) for name in sorted(names)]


def test_every_stage_runs_with_four_packages(tmp_path: Path) -> None:
    missing = [name for name in others() if name != "pandas"]
    block = BLOCK.replace("MISSING", repr(missing))
    (tmp_path / "sitecustomize.py").write_text(block)  # imported by every Python that starts
    command = [
        sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--tiny", "--threads", "1",
        "--seconds", "900", "--out", str(tmp_path / "gpu.json"),
    ]  # fmt: skip
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["machine"]["torch"] == torch.__version__
    rows = {name: stage["rows"] for name, stage in found["stages"].items()}
    assert list(rows) == ["a", "b", "c", "d", "e"]
    assert all(stage["done"] for stage in found["stages"].values()), done.stdout
    assert not [row for each in rows.values() for row in each if "traceback" in row], done.stdout
    assert [(row["item"], row["ok"]) for row in rows["a"]] == [
        ("bert", True), ("gpt2", True), ("squeezebert", True)
    ]  # fmt: skip
    assert "written out: accelerate is not installed" in json.dumps(rows["b"])
    assert rows["b"][-1]["profile"]["shares"]["matrix products"] > 0
    assert found["summaries"]["c"].keys() > {"minilm-l6: CUDA graphs"}
    assert found["summaries"]["d"]["models"] == 3 and found["summaries"]["d"]["minutes_of_all"] > 0
    assert found["summaries"]["e"]["minilm-l6, three epochs"]["epoch"] == 3
    assert "minilm-l6: CUDA graphs" in done.stdout


WORKER = """
import json, os, sys, time
task = json.loads(sys.stdin.readline())
say = lambda row: print(json.dumps(row), flush=True)
for item in ("good", "dies", "hangs", "breaks", "last"):
    if item in task["skip"]:
        continue
    say({"begins": item, "share": 0.01})
    if item == "dies":
        print("a bus error", file=sys.stderr, flush=True)
        os._exit(7)
    if item == "hangs":
        time.sleep(600)
    say({"item": item, "traceback": "CUDA error"} if item == "breaks" else {"item": item, "ok": True})
    if item == "breaks":
        os._exit(3)
say({"finished": True})
"""


def rows_of(script: str, seconds: float) -> list[dict[str, Any]]:
    from stages.supervising import Worker, stage_rows

    class Script(Worker):
        command: ClassVar = [sys.executable, "-c", script]

    def another() -> Worker:
        return Script("cpu", 1)

    return list(stage_rows("a", seconds, another(), another, {}))


def test_what_dies_hangs_or_breaks_the_gpu_leaves_the_rest_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from stages import supervising

    monkeypatch.setattr(supervising, "SHORTEST", 3.0)
    good, dies, hangs, breaks, last, end = rows_of(WORKER, 120)
    assert good == {"item": "good", "ok": True} and last == {"item": "last", "ok": True}
    assert dies["item"] == "dies" and dies["traceback"] == "the process died\na bus error\n"
    assert hangs["item"] == "hangs" and hangs["traceback"].startswith("it took too long")
    assert breaks == {"item": "breaks", "traceback": "CUDA error"}
    assert end == {"finished": True}


def test_a_stage_ends_on_its_clock_and_one_that_cannot_begin_at_once() -> None:
    hangs, end = rows_of(WORKER.replace('"good", "dies", ', ""), 2)
    assert hangs["traceback"].startswith("the stage's clock ended") and end == {"finished": False}
    broken, end = rows_of("import nothing_like_it", 60)
    assert "No module named 'nothing_like_it'" in broken["traceback"] and end == {"finished": False}


def test_inputs_are_read_as_they_were_made(tmp_path: Path) -> None:
    import pyarrow as pa
    from stages import Setting
    from stages.texts import minilm, tokens

    model = write_bert(tmp_path / "model")
    texts = ["the film was great", "a dull plot", "superb", "very very boring music"]
    pq.write_table(pa.table({"text": texts, "label": [1, 0, 1, 0]}), tmp_path / "split.parquet")
    table = str(tmp_path / "split.parquet")
    command = [sys.executable, str(BENCHMARKS / "gpu_inputs.py"), "--train", table, "--test", table,
               "--model", str(model), "--out", str(tmp_path / "inputs")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "minilm.arrow: 0.0 MiB" in done.stdout, done.stderr

    setting = Setting("cpu", False, tmp_path / "inputs", 1.0, 1)
    found = tokens(setting, "test", rows=None)
    words = (model / "vocab.txt").read_text().split()
    assert [words[i] for i in found.input_ids[:6]] == [
        "[CLS]",
        "the",
        "film",
        "was",
        "great",
        "[SEP]",
    ]
    assert (found.lengths.tolist(), found.labels.tolist()) == ([6, 5, 3, 6], [1, 0, 1, 0])
    some = tokens(setting, rows=2)
    assert len(some) == 2 and some.lengths.sum() == len(some.input_ids)

    from safetensors.torch import load_file

    module, given = minilm(setting).state_dict(), load_file(model / "model.safetensors")
    for name, weight in given.items():
        assert torch.equal(module[f"bert.{name}"], weight.to(torch.bfloat16).float()), name


def test_graphs_replay_the_engines_step() -> None:
    """On the CPU, where the step is called and not replayed; without dropout."""
    from stages.graphs import Shape, _packed_attention, _step
    from stages.texts import invented, little

    from finetone.engine.execution import Execution
    from finetone.engine.fast.casts import SharedCasts
    from finetone.engine.objective import Classification, gradients
    from finetone.engine.recipe import EngineOptions

    cpu, data, rows = torch.device("cpu"), invented(8), np.arange(8)
    module: Any = little("bert", dropout=0.0).eval()
    execution = Execution(EngineOptions(precision="bf16"), 1, cpu)
    with execution.running(module, data, 0):
        gradients(module, Classification(data), rows, execution)
    expected = [weight.grad.clone() for weight in module.parameters()]
    module.zero_grad()
    casts, shape = SharedCasts(module), Shape.of(512, 8, cpu)
    shape.load(data, rows)
    with _packed_attention(module), casts.of_inputs():
        _step(module, shape, casts, 512, None)
    for weight, grad in zip(module.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, grad, rtol=0.05, atol=2e-3)


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        ("nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_TNT", "matrix products"),
        ("void pytorch_flash::flash_bwd_dq_dk_dv_loop_seqk_parallel_kernel<…>", "attention"),
        ("void at::native::(anonymous namespace)::vectorized_layer_norm_kernel<float>", "normalization"),
        ("void at::native::(anonymous namespace)::fused_dropout_kernel_vec<…>", "dropout"),
        ("void at::native::(anonymous namespace)::multi_tensor_apply_kernel<…FusedAdam…>", "optimizer"),
        ("void at::native::vectorized_elementwise_kernel<4, bfloat16_copy_kernel_cuda…>", "copies, casts and gathering"),
        ("void at::native::reduce_kernel<128, 4, ReduceOp<float>>", "sums (gradients of biases)"),
        ("void at::native::vectorized_elementwise_kernel<4, GeluCUDAKernelImpl…>", "element by element"),
    ],
)  # fmt: skip
def test_kernels_are_known_by_their_names(kernel: str, kind: str) -> None:
    from stages.kernels import _kind

    assert _kind(kernel) == kind
