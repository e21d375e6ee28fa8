"""The page on operating a device does what it says, with libcoap's client."""

import os
import shlex
import sys
from pathlib import Path

import pytest
from support.pages import run_page
from support.project import ROOT
from support.serving import COAP_CLIENT

PAGE = ROOT / "docs" / "operate-a-device.md"


@pytest.mark.skipif(COAP_CLIENT is None, reason="libcoap's coap-client is not installed")
def test_the_page_on_operating_a_device_works_as_it_stands(tmp_path: Path) -> None:
    pytest.importorskip("aiocoap")
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
    run_page(PAGE, desk, clean_up, {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
