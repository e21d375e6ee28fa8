"""``platform demo``: four organisations, a platform, a gateway and twelve boxes on this machine."""

import asyncio
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tinycontainer.network.agent.ending import Ending, until_interrupted
from tinycontainer.network.agent.log_lines import few_log_lines
from tinycontainer.text import flatten, show

from ...options import json_option, path_argument
from ...printing import print_json
from ...verb import PROGRAM, ExitCode, Verb, VerbRefused, say
from .requirements import require_gateway, require_platform

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tinycontainer.network.platform.demo.judging import StoryJudge
    from tinycontainer.network.platform.demo.world import DemoFiles, DemoSetting

_PROGRAM_S: Final = 60.0
_PRIVATE_MODE: Final = 0o700


@click.command(cls=Verb)
@path_argument("directory", required=False)
@click.option("--check", is_flag=True, help="Play the whole story, check it, and end.")
@json_option
def demo(directory: Path | None, check: bool, as_json: bool) -> int:
    """Serve a platform, a gateway and twelve boxes on this machine, for four organisations.

    Everything is made anew: people with passwords, tokens and keys, each in a folder, and a release
    that waits for their signatures. It is served until Ctrl-C. With DIRECTORY all files stay there;
    without it they are removed at the end. `--check` plays the whole story, from the first release
    to a right that is taken back; the exit code is 0 only if everything happened as expected.

    Example: tinycontainerctl platform demo --check
    """
    require_platform()
    require_gateway()
    with _workspace(directory) as place:
        if check:
            return _check(place, as_json=as_json)
        return _serve(place, keeps=directory is not None, as_json=as_json)


def _serve(directory: Path, *, keeps: bool, as_json: bool) -> int:
    from tinycontainer.network.platform.demo.world import serve_demo  # noqa: PLC0415 - optional

    def when_ready(files: "DemoFiles") -> None:
        if as_json:
            click.echo(json.dumps(_as_dict(files)))
            return
        for line in _describe(directory, files, keeps=keeps):
            click.echo(line)

    async def serve(ending: Ending) -> None:
        await serve_demo(_setting(directory, click.echo), ending, when_ready)

    _run(serve)
    return ExitCode.DONE


def _check(directory: Path, *, as_json: bool) -> int:
    from tinycontainer.network.platform.demo.world import check_demo  # noqa: PLC0415 - optional

    judges: list[StoryJudge] = []
    setting = _setting(directory, _tell_nobody if as_json else click.echo)

    async def check(ending: Ending) -> None:
        judges.append(await check_demo(setting, ending))

    _run(check)
    (judge,) = judges
    if as_json:
        findings = [asdict(each) for each in judge.findings]
        print_json({"held": not judge.failed, "expectations": findings})
    else:
        count = len(judge.findings)
        click.echo(f"{count - judge.failed} of {count} expectations held")
    return ExitCode.REFUSED if judge.failed else ExitCode.DONE


def _run(serve: "Callable[[Ending], Awaitable[None]]") -> None:
    """Run the demo until it has ended.

    Raises:
        VerbRefused: it cannot go on.
        KeyboardInterrupt: it was interrupted before it had come to its end.
    """
    from tinycontainer.network.platform.demo.judging import (  # noqa: PLC0415 - optional
        StoryBroken,
        StoryInterrupted,
    )

    with few_log_lines(say, time.monotonic):
        try:
            asyncio.run(until_interrupted(serve))
        except StoryInterrupted:
            raise KeyboardInterrupt from None
        except StoryBroken as error:
            raise VerbRefused(f"the demo cannot go on: {error}", ExitCode.REFUSED) from None


def _setting(directory: Path, tell: "Callable[[str], None]") -> "DemoSetting":
    from tinycontainer.network.platform.assembly import Surroundings  # noqa: PLC0415 - optional
    from tinycontainer.network.platform.demo.world import DemoSetting  # noqa: PLC0415

    return DemoSetting(directory, _run_program, tell, say, Surroundings())


def _run_program(words: Sequence[str]) -> tuple[int, str]:
    """Run this program in a process of its own: its exit code, and what it says."""
    command = [sys.executable, "-m", "tinycontainer", *words]
    try:
        # In a session of its own: Ctrl-C is for the demo, which waits for what it has begun.
        done = subprocess.run(  # noqa: S603 - this program itself
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROGRAM_S,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ExitCode.REFUSED, f"it has not ended after {_PROGRAM_S:g} s"
    return done.returncode, flatten((done.stderr or done.stdout).strip())


def _tell_nobody(_line: str) -> None:
    """Take a line, and show it to nobody."""


@contextmanager
def _workspace(directory: Path | None) -> Iterator[Path]:
    """An empty directory; without a name it is deleted at the end."""
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="tinycontainer-") as name:
            yield Path(name)
        return
    if directory.exists() or directory.is_symlink():
        raise VerbRefused(f"{show(str(directory))}: exists; name a directory that does not")
    directory.mkdir(mode=_PRIVATE_MODE)
    try:
        yield directory
    except BaseException:  # a demo without all its files would only confuse
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _describe(directory: Path, files: "DemoFiles", *, keeps: bool) -> Iterator[str]:
    """Where everything is, and what to try."""
    platform, token_file = files.platform.web_uri, files.yard.token_file
    ada, _, _, dora = files.people.values()
    yield f"platform: {platform}, for who logs in; /openapi.json says what programs can ask"
    yield f"gateway: {files.yard.gateway_uri}, with {len(files.yard.names)} boxes"
    yield "people, each with a password:"
    for each in files.people.values():
        password = each.password_file.read_text().strip()
        yield f"  {each.name:6}{each.role:16}{each.organisation:9}{password}"
    yield f"their keys and API tokens: {_shown(directory / 'people')}/NAME"
    yield f"the platform's token at the gateway: {_shown(token_file)}"
    yield "try, in another terminal:"
    signer = f"--key {_shown(ada.key_file)} --token {_shown(ada.token_file)}"
    history = f"--history {_shown(ada.history)}"
    yield f"  {PROGRAM} platform sign {platform} courier 1 code {signer} {history}"
    bearer = 'curl -H "Authorization: Bearer $(cat {})" {}'
    release = f"{platform}/api/releases/{b'courier'.hex()}/1"
    yield f"  {bearer.format(_shown(dora.token_file), release)}"
    yield f"  {bearer.format(_shown(token_file), files.yard.gateway_uri + '/devices')}"
    if keeps:
        yield "all files stay; to serve them again, each in a terminal of its own:"
        yield f"  {PROGRAM} platform serve {_shown(directory / 'platform' / 'platform.toml')}"
        yield f"  {PROGRAM} gateway {_shown(files.yard.gateway_file)}"
        first = files.yard.device_file(files.yard.names[0])
        yield f"  {PROGRAM} serve {_shown(first)}  # and so on, for each box"
    yield "Ctrl-C ends it"


def _as_dict(files: "DemoFiles") -> dict[str, object]:
    people = [
        {
            "name": each.name,
            "organisation": each.organisation,
            "role": each.role,
            "password": each.password_file.read_text().strip(),
            "token_file": show(str(each.token_file)),
            "key_file": show(str(each.key_file)),
            "history": show(str(each.history)),
        }
        for each in files.people.values()
    ]
    return {
        "platform": files.platform.web_uri,
        "gateway": files.yard.gateway_uri,
        "gateway_token_file": show(str(files.yard.token_file)),
        "boxes": list(files.yard.names),
        "people": people,
    }


def _shown(path: Path) -> str:
    """As a shell takes it."""
    return shlex.quote(show(str(path)))
