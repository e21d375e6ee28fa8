"""What a device says that its containers have used; all of it is untrusted."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tinycontainer.network.platform.delivery.progress import (
    ContainerState,
    DeliveryProgress,
    ReportedContainer,
    read_containers,
)
from tinycontainer.network.platform.delivery.usage import ReportedUsage
from tinycontainer.trace.account import WHOLE
from tinycontainer_tokens import cbor

USAGE = [12, 9_000, 5_000, 77, 65_536, 8, 3, 2, 1]
LARGEST = (1 << 64) - 1


def answer(*usage: Any) -> bytes:
    """What a device answers of one container; without usage, as an older one."""
    row: dict[int, Any] = {0: b"box", 1: 2, 2: 4, 3: "", 4: 1, 5: b"\1" * 32, 6: 0}
    if usage:
        row[7] = usage[0]
    return cbor.encode([row])


@pytest.mark.clause("TC-PLAT-72")
def test_what_a_container_has_used_is_read_in_the_order_of_the_specification() -> None:
    found = read_containers(answer(USAGE))[b"box"]
    assert found.usage == ReportedUsage(
        share=12,
        idle_share=9_000,
        execution_ns=5_000,
        instructions=77,
        peak_memory_bytes=65_536,
        calls=8,
        refusals=3,
        deadline_misses=2,
        skipped_periods=1,
    )


def test_an_older_device_says_nothing_of_it() -> None:
    assert read_containers(answer())[b"box"].usage is None


def test_the_largest_numbers_are_taken() -> None:
    most = [WHOLE, WHOLE, *[LARGEST] * 7]
    usage = read_containers(answer(most))[b"box"].usage
    assert usage is not None
    assert usage.calls == LARGEST


@pytest.mark.parametrize(
    "usage",
    [
        [],
        USAGE[:-1],
        [*USAGE, 0],
        [WHOLE + 1, *USAGE[1:]],
        [0, WHOLE + 1, *USAGE[2:]],
        [-1, *USAGE[1:]],
        ["12", *USAGE[1:]],
        [[12], *USAGE[1:]],
        {0: 12},
        b"usage",
        "usage",
        7,
    ],
)
def test_anything_else_is_refused_in_one_line(usage: Any) -> None:
    with pytest.raises(ValueError, match="usage: ") as caught:
        read_containers(answer(usage))
    assert str(caught.value).isascii()


def test_a_delivery_goes_on_that_a_platform_without_usage_has_begun() -> None:
    reported = ReportedContainer(ContainerState.RUNNING, "ab" * 32, "", 3)
    begun = DeliveryProgress(reported=reported)
    values = json.loads(begun.to_json())
    del values["reported"]["usage"]
    assert DeliveryProgress.from_json(json.dumps(values)) == begun


def test_usage_is_kept_with_a_delivery() -> None:
    used = ReportedUsage.of_row(USAGE)
    reported = ReportedContainer(ContainerState.RUNNING, "ab" * 32, "", 3, used)
    begun = DeliveryProgress(reported=reported)
    assert DeliveryProgress.from_json(begun.to_json()) == begun
    values = json.loads(replace(begun).to_json())
    values["reported"]["usage"]["share"] = WHOLE + 1
    with pytest.raises(ValueError, match="share"):
        DeliveryProgress.from_json(json.dumps(values))
