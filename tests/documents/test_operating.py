"""The page on operating a device does what it says, with libcoap's client."""

import os
import shlex
from pathlib import Path

import pytest
from support.pages import run_page, write_programs
from support.project import ROOT
from support.serving import COAP_CLIENT

PAGE = ROOT / "docs" / "operate-a-device.md"


@pytest.mark.skipif(COAP_CLIENT is None, reason="libcoap's coap-client is not installed")
def test_the_page_on_operating_a_device_works_as_it_stands(tmp_path: Path) -> None:
    pytest.importorskip("aiocoap")
    programs, desk = tmp_path / "programs", tmp_path / "desk"
    write_programs(programs, coap_client=shlex.quote(str(COAP_CLIENT)))
    desk.mkdir()
    clean_up = "trap 'jobs -p | xargs -r kill -9 2> /dev/null || true' EXIT\n"
    run_page(PAGE, desk, clean_up, {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
