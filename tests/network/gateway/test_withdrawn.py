"""Rights that are withdrawn in the gateway's file: nothing of them is left after a start."""

from hashlib import sha256
from pathlib import Path

import pytest
from support.gateways import Gateway, register, running_gateway, wait_until, write_gateway_file
from support.project import Program
from support.serving import make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

from tinycontainer.network.agent.requests.rights import Right
from tinycontainer.network.gateway.gateway_file import TokenVerb

TOKENS = {"ann": "a" * 40, "ben": "b" * 40}
TEMPLATE = """
[http]
bind = "{http}"
[coap]
bind = "{coap}"
insecure = true
"""


def tokens(**verbs: str) -> str:
    """Tables of tokens: for each holder, its verbs."""
    return "".join(
        f'[[tokens]]\nname = "{name}"\nverbs = [{each}]\n'
        f'sha256 = "{sha256(TOKENS[name].encode()).hexdigest()}"\n'
        for name, each in verbs.items()
    )


@pytest.mark.clause("TC-GW-51")
def test_jobs_of_a_withdrawn_right_are_not_delivered(tmp_path: Path, program: Program) -> None:
    port = make_desk(tmp_path, program)
    bundle = (tmp_path / "box.tcb").read_bytes()
    file = write_gateway_file(tmp_path, template=TEMPLATE)
    empty = file.read_text()
    file.write_text(empty + tokens(ann='"load"', ben='"load", "read"'))
    queued = {}
    with running_gateway(file) as gateway:
        register(gateway, "desk", f"coap://127.0.0.1:{port}", sleep=60, awake=1)
        wait_until(lambda: _presence(gateway) == "asleep")
        for name, token in TOKENS.items():
            answer = gateway.ask(
                "PUT",
                f"/devices/desk/tc/c/{name.encode().hex()}",
                content=bundle,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/octet-stream",
                    "Prefer": "respond-async",
                },
            )
            assert answer.status_code == 202
            queued[name] = answer.headers["location"]
        gateway.process.kill()
    file.write_text(empty + tokens(ann='"read"', ben='"load", "read"'))
    with serving(tmp_path, port) as served, running_gateway(file) as gateway:
        register(gateway, "desk", served.uri)
        states = {
            name: gateway.ask(
                "GET",
                job,
                headers={"Authorization": f"Bearer {TOKENS[name]}", "Prefer": "wait=20"},
            ).json()["state"]
            for name, job in queued.items()
        }
        served.end()
        asked = [line for line in served.printed().splitlines() if "PUT" in line]
    assert states == {"ann": "cancelled", "ben": "done"}
    assert len(asked) == 1
    assert b"ben".hex() in asked[0]


def _presence(gateway: Gateway) -> str:
    found = gateway.ask(
        "GET", "/devices/desk", headers={"Authorization": f"Bearer {TOKENS['ben']}"}
    )
    return str(found.json()["presence"])


def test_a_token_can_have_every_right_that_a_request_over_http_needs() -> None:
    assert {*Right} - {Right.SNAPSHOT} <= {*TokenVerb}
