"""Which device a process takes, under every list and scheduler."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch

from finetone.engine.hardware import devices
from finetone.engine.hardware.lease import Lease

Show = Callable[..., torch.device]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Iterator[Show]:
    """What a process takes that sees these devices: each call is another, living process."""
    leases: list[Lease | None] = []
    for name in (devices.CUDA_LIST, *devices.ROCM_LISTS):
        monkeypatch.delenv(name, raising=False)

    def taken(*seen: SimpleNamespace, hip: str | None = None, **environment: str) -> torch.device:
        monkeypatch.setattr(devices, "_chosen", None)
        monkeypatch.setattr(devices, "_lease", None)
        monkeypatch.setattr(devices.torch.version, "hip", hip)
        cuda = devices.torch.cuda
        monkeypatch.setattr(cuda, "is_available", lambda: len(seen) > 0)
        monkeypatch.setattr(cuda, "device_count", lambda: len(seen))
        monkeypatch.setattr(cuda, "get_device_properties", lambda index: seen[index])
        monkeypatch.setattr(cuda, "set_device", lambda _: None)
        with pytest.MonkeyPatch.context() as process:
            for name, value in environment.items():
                process.setenv(name, value)
            chosen = devices.pick()
            assert devices.pick() is chosen
            taken.list = os.environ.get(devices.CUDA_LIST)  # type: ignore[attr-defined]
        leases.append(devices._lease)
        return chosen

    yield taken
    for lease in leases:
        if lease:
            lease.close()


def card() -> SimpleNamespace:
    return SimpleNamespace(uuid=uuid.uuid4())


CPU, FIRST, SECOND = torch.device("cpu"), torch.device("cuda", 0), torch.device("cuda", 1)


def test_a_card_is_leased_once_however_it_is_listed(show: Show) -> None:
    one, other = card(), card()
    assert show(one, other, CUDA_VISIBLE_DEVICES="5,3") == FIRST
    # the same cards in the opposite order: the one left is again the first
    assert show(other, one, CUDA_VISIBLE_DEVICES=f"GPU-{other.uuid},GPU-{one.uuid}") == FIRST


@pytest.mark.parametrize(
    "name", ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "KUBERNETES_SERVICE_HOST"]
)
def test_jobs_of_an_allocation_share_its_cards(show: Show, name: str) -> None:
    cards = card(), card()
    assert [show(*cards, **{name: "7"}) for _ in range(2)] == [FIRST, SECOND]


def test_jobs_whose_cards_have_the_same_numbers_do_not_meet(show: Show) -> None:
    for _ in range(2):  # each in an allocation of its own, where both cards are 0 and 1
        assert show(card(), card(), SLURM_JOB_ID="7", CUDA_VISIBLE_DEVICES="0,1") == FIRST


def test_a_single_device_is_taken_unasked(show: Show) -> None:
    only = card()
    assert [show(only), show(only)] == [FIRST, FIRST]


def test_an_empty_list_means_the_cpu(show: Show) -> None:
    cards = card(), card()
    assert show(*cards, CUDA_VISIBLE_DEVICES="") == CPU
    assert show() == CPU
    for name in devices.ROCM_LISTS:
        assert show(*cards, hip="7.0", **{name: ""}) == CPU
        # on an NVIDIA machine these lists mean nothing
        assert show(card(), card(), **{name: ""}) == FIRST
        assert show(card(), card(), hip="7.0", **{name: "1,0"}) == FIRST


def test_a_device_without_a_name_is_known_by_its_slot(show: Show) -> None:
    bus = uuid.uuid4().int  # no other test's
    nameless = "00000000-0000-0000-0000-000000000000"
    cards = [
        SimpleNamespace(uuid=nameless, pci_domain_id=0, pci_bus_id=bus + n, pci_device_id=0)
        for n in range(2)
    ]
    assert show(*cards) == FIRST
    assert show(*reversed(cards)) == FIRST
    assert devices._hardware(0) == f"pci-0-{bus + 1}-0"


def test_a_device_of_an_old_torch_is_known_by_its_place(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_leased", lambda names: names[1])
    assert show(SimpleNamespace(), SimpleNamespace()) == SECOND
    assert devices._hardware(1) == "device-1"


def test_a_process_sees_only_the_slice_it_leased(show: Show) -> None:
    listed = [f"MIG-{uuid.uuid4()}" for _ in range(2)]
    for name in listed:
        assert show(card(), CUDA_VISIBLE_DEVICES=",".join(listed)) == FIRST
        assert show.list == name  # type: ignore[attr-defined]


def test_apples_gpu_is_said_not_to_be_used(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(devices.logger, "info", lambda text, *given: said.append(text % given))
    monkeypatch.setattr(devices.torch.backends.mps, "is_available", lambda: True)
    assert show() == CPU
    assert said == ["Apple's GPU is not used, for its numbers were never compared; CPU instead"]


def test_nothing_starts_cuda_before_a_device_is_picked() -> None:
    """Once it is started it would not look at the list of slices again."""
    code = """
import torch
def started(*_, **__): raise SystemExit("CUDA was started")
for name in ("is_available", "device_count", "_lazy_init", "current_device"):
    setattr(torch.cuda, name, started)
import finetone.engine.embed, finetone.engine.finetune, finetone.squad.intermediate
from transformers import AutoModelForSequenceClassification, BertForSequenceClassification
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
