"""The device lease: never two holders, never a lost device, whatever dies when."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from finetone.engine import devices
from finetone.engine.devices import Lease, lease_directory
from finetone.errors import UserError

HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import importlib.util
spec = importlib.util.spec_from_file_location("device", Path(sys.argv[1]) / "finetone/engine/devices.py")
sys.modules["torch"] = type(sys)("torch"); sys.modules["torch"].device = object
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
folder = Path(sys.argv[2])
lease = module.Lease(["0", "1", "GPU-abc"], folder)
held = lease.acquire(0.005)
flag = folder / f"held-{held}"
flag.mkdir()  # fails if somebody else believes to hold it
print(held, flush=True)
time.sleep(float(sys.argv[3]))
flag.rmdir()
"""


def test_a_closed_lease_is_free_again(tmp_path: Path) -> None:
    first, second = Lease(["0"], tmp_path), Lease(["0"], tmp_path)
    assert first.acquire() == "0"
    assert second.try_acquire() is None
    first.close()
    assert second.try_acquire() == "0"


def test_many_processes_and_random_kills(tmp_path: Path) -> None:
    """Twelve processes want three devices; some are killed while they hold one."""
    random.seed(3)
    scripts = str(Path(__file__).parents[3] / "workflow" / "scripts")
    victims = set(random.sample(range(12), 3))  # as many as devices: more could wait for each other
    seconds = ["600" if n in victims else str(random.uniform(0, 0.1)) for n in range(12)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, scripts, str(tmp_path), seconds[number]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(12)
    ]  # fmt: skip
    for number in victims:
        process = processes[number]
        assert process.stdout is not None
        held = process.stdout.readline().strip()
        (tmp_path / f"held-{held}").rmdir()  # the victim cannot tidy up; its lock the kernel does
        process.kill()
    for number, process in enumerate(processes):
        _, errors = process.communicate(timeout=30)
        if number not in victims:
            assert process.returncode == 0, errors
    leases = [Lease(["0", "1", "GPU-abc"], tmp_path) for _ in range(4)]
    taken = [lease.try_acquire() for lease in leases]
    assert sorted(str(t) for t in taken[:3]) == ["0", "1", "GPU-abc"]  # none is lost
    assert taken[3] is None


def test_waiting_ends_when_the_holder_dies(tmp_path: Path) -> None:
    code = (
        "import fcntl, sys, time\n"
        "f = open(sys.argv[1], 'ab'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "0.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        lease = Lease(["0"], tmp_path)
        assert lease.try_acquire() is None
        holder.kill()
        start = time.monotonic()
        assert lease.acquire(0.01) == "0"
        assert time.monotonic() - start < 30


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707, 0o777])
def test_a_folder_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UserError, match=rf"{folder}.*mode {mode:04o}.*XDG_RUNTIME_DIR"):
        Lease(["0"], folder).try_acquire()
    assert not list(folder.iterdir())


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices.os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(UserError, match="another user"):
        Lease(["0"], tmp_path / "locks").try_acquire()


def test_links_are_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o700)
    for target in (mine, tmp_path / "nowhere"):
        link = tmp_path / f"to-{target.name}"
        link.symlink_to(target)
        with pytest.raises(UserError, match="is a link"):
            Lease(["0"], link).try_acquire()
    (mine / "0.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(UserError, match="unusable 0.lock"):
        Lease(["0"], mine).try_acquire()
    assert not (tmp_path / "victim").exists()


def test_a_fresh_folder_is_its_owners_alone(tmp_path: Path) -> None:
    lease = Lease(["0"], tmp_path / "locks")
    assert lease.acquire() == "0"
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "locks" / "0.lock").stat().st_mode & 0o777 == 0o600
    lease.close()


def test_locks_lie_in_the_runtime_folder_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert lease_directory().parent == tmp_path
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path / "temp"))
    for unusable in ("", str(tmp_path / "gone")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", unusable)
        assert lease_directory().parent == tmp_path / "temp"


def pretend(monkeypatch: pytest.MonkeyPatch, count: int, folder: Path) -> None:
    monkeypatch.setattr(devices, "_chosen", None)
    monkeypatch.setattr(devices, "_lease", None)
    monkeypatch.setattr(devices.torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(devices.torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(devices.torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(folder))
    for name in (*devices.SCHEDULERS, "CUDA_VISIBLE_DEVICES", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_processes_share_the_listed_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = []  # keeps the leases open, as other living processes would
    for _ in range(2):
        pretend(monkeypatch, 2, tmp_path)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,3")
        held.append((devices.pick(), devices._lease))
    assert {str(chosen) for chosen, _ in held} == {"cuda:0", "cuda:1"}
    assert {p.name for p in tmp_path.glob("*/*.lock")} == {"5.lock", "3.lock"}


def test_a_scheduler_or_an_empty_list_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, 2, tmp_path)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert devices.pick() == torch.device("cuda", 0)
    pretend(monkeypatch, 2, tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices.pick() == torch.device("cpu")
    pretend(monkeypatch, 0, tmp_path)
    assert devices.pick() == torch.device("cpu")
    assert not list(tmp_path.glob("*/*.lock"))
