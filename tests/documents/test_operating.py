"""The page on operating a device does what it says, with libcoap's client."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import ROOT
from support.serving import COAP_CLIENT

PAGE = ROOT / "docs" / "operate-a-device.md"


@pytest.mark.skipif(COAP_CLIENT is None, reason="libcoap's coap-client is not installed")
def test_the_page_on_operating_a_device_works_as_it_stands(tmp_path: Path) -> None:
    pytest.importorskip("aiocoap")
    blocks = re.findall(r"```(sh|text)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    marker = "--- end of a block ---\n"
    commands = {
        "tinycontainerctl": f"{shlex.quote(sys.executable)} -m tinycontainer",
        "coap-client": shlex.quote(str(COAP_CLIENT)),
        "python3": shlex.quote(sys.executable),
    }
    programs, desk = tmp_path / "programs", tmp_path / "desk"
    programs.mkdir()
    desk.mkdir()
    for name, command in commands.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / name).chmod(0o755)
    clean_up = "trap 'jobs -p | xargs -r kill -9 2> /dev/null || true' EXIT\n"
    script = "".join(
        f"{text}\nprintf '%s' {shlex.quote(marker)}\n" for kind, text in blocks if kind == "sh"
    )
    done = subprocess.run(
        ["bash", "-euc", clean_up + script],
        cwd=desk,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = iter(done.stdout.split(marker))
    said = ""
    for kind, text in blocks:
        if kind == "sh":
            said = next(printed)
        else:
            assert said.endswith(text)
