"""The page of a device: what runs with whose signatures, what was refused and why, and its log."""

import pytest
from support.evident_rows import remember
from support.four_parties import BOX, good
from support.platform_pages import DEVICES, PageWorld, ParsedPage

from tinycontainer.network.platform.delivery.usage import ReportedUsage
from tinycontainer.network.platform.rollouts.watching import AGAIN_S

RUNNING, REFUSING = f"/devices/{DEVICES[0]}", f"/devices/{DEVICES[2]}"
QUIET = f"/devices/{DEVICES[1]}"
"""Of a device that runs, and of which no event is known."""
USAGE = ReportedUsage(1_234, 8_000, 5_000_000, 77, 65_536, 8, 3, 2, 1)


def watch(world: PageWorld) -> None:
    """Let the platform ask the devices that somebody looks at."""
    worker = world.rollouts.worker
    worker.watched = world.platform.parts.watched
    world.platform.clock.at_s += AGAIN_S + 0.1
    assert worker.watch()


def section(page: ParsedPage, begin: str, end: str) -> str:
    """What is to be read between two headings."""
    return page.text.partition(begin)[2].partition(end)[0]


@pytest.mark.clause("TC-PLAT-72")
def test_what_runs_is_shown_beside_what_is_to_run_with_who_has_signed_it(world: PageWorld) -> None:
    page = world.client("boxes").look(RUNNING)
    runs = section(page, "What it runs", "The last minute")
    assert "as it is to be" in runs
    assert f"/releases/{BOX}/1" in page.values("a", "href")
    release = good(world.platform.client("boxes").get(f"/api/releases/{BOX}/1"))
    for part in release["parts"]:
        assert f"{part['name']} {part['signed_by']} " in runs
    assert "was not taken" in world.client("boxes").look(REFUSING).text


@pytest.mark.clause("TC-PLAT-72")
def test_what_was_used_is_shown_and_given_to_programs(world: PageWorld) -> None:
    world.rollouts.gateway.usage[DEVICES[0]] = USAGE
    assert "has not said it" in world.client("boxes").look(RUNNING).text
    watch(world)
    runs = section(world.client("boxes").look(RUNNING), "What it runs", "The last minute")
    for words in ("12.34 % since the boot", "8 granted, 3 refused", "2 missed deadlines"):
        assert words in runs
    (found,) = good(world.platform.client("infra").get(f"/api{RUNNING}/containers"))["containers"]
    assert found["standing"] == "running"
    assert found["usage"] == {
        "share_percent": 12.34, "idle_percent": 80.0, "execution_ns": 5_000_000,
        "instructions": 77, "peak_memory_bytes": 65_536, "calls": 8, "refusals": 3,
        "deadline_misses": 2, "skipped_periods": 1,
    }  # fmt: skip


@pytest.mark.clause("TC-PLAT-73")
def test_refusals_say_what_they_mean_and_what_to_do(world: PageWorld) -> None:
    remember(world.platform, DEVICES[2], "word-of-the-device")
    page = world.client("boxes").look(REFUSING)
    refusals = section(page, "Refusals", "Log")
    assert "A signature does not hold" in refusals
    assert "sign it again" in refusals
    assert "word-of-the-device" in refusals
    log = section(page, "Log", "Rollouts")
    assert "has crashed" in log
    assert "its code did something that is not allowed" in log


@pytest.mark.clause("TC-PLAT-73")
def test_infrastructure_sees_the_refusals_without_the_words_of_the_device(
    world: PageWorld,
) -> None:
    remember(world.platform, DEVICES[2], "word-of-the-device")
    page = world.client("infra").look(REFUSING)
    assert "A signature does not hold" in page.text
    assert "word-of-the-device" not in page.text


@pytest.mark.clause("TC-PLAT-73")
def test_the_last_minute_is_said_in_words_beside_its_picture(world: PageWorld) -> None:
    client = world.client("boxes")
    assert "nothing is known of 60 s" in client.look(QUIET).text
    for _ in range(4):
        watch(world)
        page = client.look(QUIET)
    (words,) = page.values("svg", "aria-label")
    assert words.startswith("running for 3 s")
    assert words in page.text
    assert "unknown" in page.values("rect", "class")
    assert len(client.client.get(QUIET).text) < 200_000
