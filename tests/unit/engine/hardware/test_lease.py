"""The device lease: never two holders, never a lost device, whatever dies when."""

import random
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from finetone.engine.hardware import lease
from finetone.engine.hardware.lease import Lease, slices

SCRIPTS = str(Path(__file__).parents[4] / "workflow" / "scripts")
# a job on a machine of four cards, with a driver that shows it those that it is given, in that order
JOB = """
import sys, time, types
from pathlib import Path
scripts, folder, seconds, *cards = sys.argv[1:]
sys.path.insert(0, scripts)
torch = sys.modules["torch"] = types.ModuleType("torch")
class Device(types.SimpleNamespace):
    def __init__(self, type, index=0):
        super().__init__(type=type, index=index)
torch.device = Device
torch.version = types.SimpleNamespace(hip=None)
torch.cuda = types.SimpleNamespace(
    is_available=lambda: True,
    device_count=lambda: len(cards),
    get_device_properties=lambda index: types.SimpleNamespace(uuid=cards[index]),
    set_device=lambda device: None,
)
from finetone.engine.hardware import devices
held = cards[devices.pick().index]
flag = Path(folder, held)
flag.mkdir()  # fails if somebody else believes to hold it
print(held, flush=True)
time.sleep(float(seconds))
flag.rmdir()
"""
SCHEDULERS = {  # what each sets in a job that may be given several cards of its node
    "SLURM_JOB_ID": "7", "PBS_JOBID": "7.node", "LSB_JOBID": "7", "JOB_ID": "7",
    "KUBERNETES_SERVICE_HOST": "10.0.0.1", "NONE": "",
}  # fmt: skip


@pytest.fixture
def names() -> list[str]:
    """Names that no other test of this machine leases."""
    return [f"GPU-{uuid.uuid4()}" for _ in range(4)]


def test_a_closed_lease_is_free_again(names: list[str]) -> None:
    first, second = Lease(names[:1]), Lease(names[:1])
    assert first.acquire() == names[0]
    assert second.try_acquire() is None
    first.close()
    assert second.try_acquire() == names[0]
    second.close()


def test_four_cards_many_jobs_and_random_kills(tmp_path: Path) -> None:
    """Jobs of any scheduler and any temporary folder see the cards in their own order."""
    draw = random.Random(3)
    cards = [str(uuid.uuid4()) for _ in range(4)]
    victims = set(draw.sample(range(16), 4))  # as many as cards: more could wait for each other
    processes = []
    for number in range(16):
        seconds = "600" if number in victims else str(draw.uniform(0, 0.1))
        seen = draw.sample(cards, 4)
        own = tmp_path / f"temporary-{number}"
        own.mkdir()
        name = draw.choice(list(SCHEDULERS))
        environment = {"PATH": "", "TMPDIR": str(own), name: SCHEDULERS[name]}
        command = [sys.executable, "-c", JOB, SCRIPTS, str(tmp_path), seconds, *seen]
        processes.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    for number in victims:
        process = processes[number]
        assert process.stdout is not None
        (tmp_path / process.stdout.readline().strip()).rmdir()  # a victim cannot tidy up
        process.kill()
    for number, process in enumerate(processes):
        _, errors = process.communicate(timeout=60)
        if number not in victims:
            assert process.returncode == 0, errors
    leases = [Lease([f"GPU-{card}" for card in cards]) for _ in range(5)]
    taken = [each.try_acquire() for each in leases]
    assert sorted(str(name) for name in taken[:4]) == sorted(f"GPU-{card}" for card in cards)
    assert taken[4] is None  # none is lost
    for each in leases:
        each.close()


def test_waiting_ends_when_the_holder_dies(names: list[str]) -> None:
    code = (
        f"import sys, time; sys.path.insert(0, {SCRIPTS!r})\n"
        "from finetone.engine.hardware.lease import Lease\n"
        f"lease = Lease([{names[0]!r}]); print(lease.acquire(), flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        waiting = Lease(names[:1])
        assert waiting.try_acquire() is None
        holder.kill()
        assert waiting.acquire(0.01) == names[0]
    waiting.close()


def test_who_waits_says_so_once(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(lease.logger, "info", lambda text, *given: said.append(text % given))
    holder, waiting = Lease(names[:1]), Lease(names[:1])
    holder.acquire()
    naps = iter([lambda: None, holder.close])
    monkeypatch.setattr(lease.time, "sleep", lambda _: next(naps)())
    waiting.acquire()
    assert said == [f"all of GPUs {names[0]} are leased; waiting"]
    waiting.close()


def test_an_executed_program_does_not_keep_the_lease(names: list[str]) -> None:
    held = Lease(names[:1])
    held.acquire()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        held.close()
        again = Lease(names[:1])
        assert again.try_acquire() == names[0]
        again.close()
        child.kill()


def test_what_is_no_lease_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="too long"):
        Lease(["x" * 200]).try_acquire()


LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 1g.5gb Device 0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb Device 1: (UUID: MIG-c8e1bd2e-5b1e-5d3c-9a6b-0c6a6b4c1d11)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-e5f7a0d6-d33d-2b2c-524d-9e3d8d2b8a78)
"""
FULL = ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "MIG-c8e1bd2e-5b1e-5d3c-9a6b-0c6a6b4c1d11"]


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'LIST'\n{LISTING}LIST\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return program


def test_slices_have_one_name_however_they_are_listed(nvidia_smi: Path) -> None:
    assert slices(",".join(FULL)) == FULL
    assert slices("MIG-c6d4, MIG-c8e1bd") == FULL
    assert slices(f"MIG-c6d4,{FULL[0]}") == FULL[:1]  # twice the same one
    legacy = "MIG-GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77/1/0"  # drivers before 470 list these
    assert slices(f"MIG-c,{legacy}") == ["MIG-c", legacy]  # ambiguous, unknown: as they are
    for cards in ("", "0,1", "GPU-5d5ba0d6,GPU-e5f7a0d6", "-1"):
        assert slices(cards) == []


@pytest.mark.parametrize("body", ["exit 9", "kill -9 $$"])
def test_a_lister_that_fails_leaves_names_as_they_are(nvidia_smi: Path, body: str) -> None:
    nvidia_smi.write_text(f"#!/bin/sh\n{body}\n")
    assert slices("MIG-c6d4,MIG-c8e1") == ["MIG-c6d4", "MIG-c8e1"]
    nvidia_smi.unlink()
    assert slices("MIG-c6d4,MIG-c8e1") == ["MIG-c6d4", "MIG-c8e1"]
