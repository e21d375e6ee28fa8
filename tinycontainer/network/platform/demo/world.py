"""The demo put together: its files, its servers, and what is done with them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final, TypeAlias, TypeVar

from tinycontainer_tokens import Role

from ...agent.ending import Ending, served_beside
from ..assembly import Surroundings
from ..log import PlatformLog
from ..platform_file import PlatformPlan, read_platform_file
from ..serving import serve_platform
from .api import DemoClient
from .desk import DemoDesk
from .joining import NEW, OLD, PLATFORM_FILE, join, known_keys, log_in, platform_toml
from .judging import StoryBroken, StoryInterrupted, StoryJudge
from .people import DemoPerson, RunProgram, add_organisations, make_people, write_private
from .ports import YardPorts, choose_http_port
from .searching import HeardRequests
from .story import play_story
from .story_releases import begin_courier, give_courier
from .yard import running_gateway, running_yard
from .yard_files import YardFiles, make_yard

BOXES: Final = {
    f"box{number:02}": {
        "site": "south" if 6 <= number <= 10 else "north",
        "keys": NEW if number <= 10 else OLD,
    }
    for number in range(1, 13)
}
"""The labels of each box, by its name."""
_REGISTERED_S: Final = 60.0
_PRIVATE_FOLDER_MODE: Final = 0o700

T = TypeVar("T")
WrapApplication: TypeAlias = Callable[[Any], Any]
"""Puts something around an application (ASGI)."""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """All files of the demo.

    Attributes:
        people: of the demo, by role; each has a folder.
        yard: of the gateway and the boxes.
        platform: the platform's file.
    """

    people: dict[Role, DemoPerson]
    yard: YardFiles
    platform: PlatformPlan


@dataclass(frozen=True, slots=True)
class DemoSetting:
    """What the demo is given.

    Attributes:
        directory: is there, and is empty; all files come there.
        program: runs ``tinycontainerctl`` in a process of its own, which alone has private keys.
        tell: takes lines of the story.
        say: takes one line for the log, without secrets.
        around: where time and randomness come from.
    """

    directory: Path
    program: RunProgram
    tell: Callable[[str], None]
    say: Callable[[str], None]
    around: Surroundings


async def check_demo(setting: DemoSetting, ending: Ending) -> StoryJudge:
    """Make and serve the demo, play the whole story, and end all.

    Args:
        setting: of the demo.
        ending: asks for the end.

    Returns:
        What has held.

    Raises:
        StoryInterrupted: the end was asked for.
        StoryBroken: the story cannot go on.
        OSError: a file or an address cannot be used.
        TinyContainerError: a file that was made cannot be used.
    """
    ended, heard = Event(), HeardRequests()
    judge = StoryJudge(setting.tell, ended)
    ending.when_asked = ended.set
    async with _served(setting, judge, ended, heard.wrap) as (_, desk):
        await _in_thread(lambda: play_story(desk, heard), ended)
    return judge


async def serve_demo(
    setting: DemoSetting,
    ending: Ending,
    when_ready: Callable[[DemoFiles], None],
    wrap: WrapApplication = lambda application: application,
) -> None:
    """Make and serve the demo with a release that nobody has signed, until its end is asked for.

    Args:
        setting: of the demo.
        ending: asks for the end.
        when_ready: is called once all of it is there.
        wrap: puts something around the platform's application (ASGI).

    Raises:
        StoryInterrupted: the end was asked for before.
        StoryBroken: it could not be made.
        OSError: a file or an address cannot be used.
        TinyContainerError: a file that was made cannot be used.
    """
    ended, is_to_end = Event(), asyncio.Event()

    def end() -> None:
        ended.set()
        is_to_end.set()

    ending.when_asked = end
    judge = StoryJudge(setting.tell, ended)
    async with _served(setting, judge, ended, wrap) as (files, desk):
        await _in_thread(lambda: _publish(desk), ended)
        when_ready(files)
        await is_to_end.wait()


def make_files(setting: DemoSetting) -> DemoFiles:
    """Make all files of the demo.

    Raises:
        StoryBroken: keys could not be made.
        OSError: a file cannot be written.
        TinyContainerError: a file that was made cannot be used.
    """
    directory, random_bytes = setting.directory, setting.around.random_bytes
    people = make_people(directory / "people", setting.program, random_bytes)
    ports = YardPorts.choose(len(BOXES))
    keys = {name: known_keys(people, labels["keys"]) for name, labels in BOXES.items()}
    yard = make_yard(directory / "yard", keys, ports, random_bytes)
    # Apart from the people's folders: whatever serves the platform need not see those.
    folder = directory / "platform"
    folder.mkdir(mode=_PRIVATE_FOLDER_MODE)
    token = folder / yard.token_file.name
    write_private(token, yard.token_file.read_bytes())
    operator = people[Role.INFRASTRUCTURE].organisation
    text = platform_toml(choose_http_port(ports), yard.gateway_uri, operator, token.name)
    file = folder / PLATFORM_FILE
    file.write_text(text)
    plan = read_platform_file(file)
    add_organisations(plan, people, setting.around)
    return DemoFiles(people, yard, plan)


@asynccontextmanager
async def _served(
    setting: DemoSetting, judge: StoryJudge, ended: Event, wrap: WrapApplication
) -> AsyncIterator[tuple[DemoFiles, DemoDesk]]:
    """All of the demo, served until the block is left; everybody has joined."""
    files = await _in_thread(lambda: make_files(setting), ended)
    async with AsyncExitStack() as serving:
        await serving.enter_async_context(running_gateway(files.yard))
        await serving.enter_async_context(_running_platform(setting, files.platform, wrap))
        await serving.enter_async_context(_registered_yard(setting, files.yard, ended))
        yield files, await _in_thread(lambda: _join(setting, files, judge), ended)


@asynccontextmanager
async def _running_platform(
    setting: DemoSetting, plan: PlatformPlan, wrap: WrapApplication
) -> AsyncIterator[None]:
    ready, ending = asyncio.Event(), Ending()
    log = PlatformLog(setting.say, setting.around.now_s, as_json=False)
    serving = serve_platform(plan, setting.around, ending, ready.set, log, wrap)
    async with served_beside({ending: serving}):
        await ready.wait()
        yield


@asynccontextmanager
async def _registered_yard(
    setting: DemoSetting, files: YardFiles, ended: Event
) -> AsyncIterator[None]:
    """All boxes beside their gateway, which knows them."""
    waiting, are_there = set(files.names), asyncio.Event()

    def note(name: str, problem: str) -> None:
        if problem:
            setting.say(f"{name}: is not registered: {problem}")
            return
        waiting.discard(name)
        if not waiting:
            are_there.set()

    async with running_yard(files, note):
        try:
            async with asyncio.timeout(_REGISTERED_S):
                await are_there.wait()
        except TimeoutError:
            problem = f"{len(waiting)} boxes are not registered after {_REGISTERED_S:g} s"
            raise StoryBroken(problem) from None
        if ended.is_set():
            raise StoryInterrupted
        yield


def _join(setting: DemoSetting, files: DemoFiles, judge: StoryJudge) -> DemoDesk:
    uri, now_s = files.platform.web_uri, setting.around.monotonic_s
    tokens = {
        role: log_in(DemoClient(uri, "", now_s), person) for role, person in files.people.items()
    }
    desk = DemoDesk(
        people=files.people,
        boxes=BOXES,
        yard=files.yard,
        platform=files.platform,
        clients={role: DemoClient(uri, token, now_s) for role, token in tokens.items()},
        gateway=DemoClient(
            files.yard.gateway_uri, files.yard.token_file.read_text().strip(), now_s
        ),
        program=setting.program,
        judge=judge,
    )
    join(desk)
    return desk


def _publish(desk: DemoDesk) -> None:
    """Make a release that waits for the signatures of its parties."""
    begin_courier(desk)
    for role in Role:
        give_courier(desk, 1, role)


async def _in_thread(work: Callable[[], T], ended: Event) -> T:
    """Do work in a thread; it is told to end if nobody waits for it any more.

    Raises:
        StoryInterrupted: the end was asked for.
    """
    try:
        done = await asyncio.to_thread(work)
    except asyncio.CancelledError:
        ended.set()
        raise
    except StoryBroken:
        if ended.is_set():  # what was asked does not answer any more
            raise StoryInterrupted from None
        raise
    if ended.is_set():
        raise StoryInterrupted
    return done
