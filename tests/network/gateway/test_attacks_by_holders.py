"""What the holder of a token can do and see: what its verbs and groups say, and nothing else."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.gateways import Gateway, running_gateway, write_gateway_file
from support.project import Program

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

from tinycontainer.network.gateway.gateway_file import TokenVerb

SECRET = "not-to-be-seen-"
PAYLOAD = b"payload-not-to-be-seen"
TEMPLATE = """
audit = "audit.log"
[http]
bind = "{http}"
[coap]
bind = "{coap}"
[limits]
requests_per_s = 100000
streams = 4
"""
DEVICE = """
[[devices]]
name = "{name}"
context = "{name}-context"
groups = ["{group}"]
"""
TOKEN = """
[[tokens]]
name = "{name}"
sha256 = "{sha256}"
verbs = {verbs}
"""
OCTETS = {"Content-Type": "application/octet-stream"}
ASKED: dict[str, tuple[str, str, set[str], dict[str, str]]] = {
    "see": ("GET", "", {"read"}, {}),
    "forward": ("POST", "", {"forward"}, {"Content-Type": "application/oscore", "OSCORE": "CQE"}),
    "look": ("GET", "/tc", {"read"}, {}),
    "head": ("HEAD", "/tc", {"read"}, {}),
    "events": ("GET", "/tc/e", {"read"}, {}),
    "evidence": ("GET", f"/tc/ev?nonce={'00' * 16}", {"read"}, {}),
    "start": ("POST", "/tc/c/aa?start", {"start"}, {}),
    "stop": ("POST", "/tc/c/aa?stop", {"stop"}, {}),
    "kill": ("POST", "/tc/c/aa?kill", {"stop"}, {}),
    "load": ("PUT", "/tc/c/aa", {"load"}, OCTETS),
    "replace": ("PUT", "/tc/c/aa", {"load", "delete"}, {**OCTETS, "If-Match": "*"}),
    "replace one": ("PUT", "/tc/c/aa", {"load", "delete"}, {**OCTETS, "If-Match": '"aa"'}),
    "delete": ("DELETE", "/tc/c/aa", {"delete"}, {}),
    "reconfigure": ("PUT", "/tc/c/aa/m", {"reconfigure"}, {"Content-Type": "application/cbor"}),
    "withdraw": ("POST", "/tc/c/aa/w", {"delete"}, OCTETS),
    "judge": ("POST", "/tc/j", {"load"}, OCTETS),
    "update": ("POST", "/tc/su", {"update"}, OCTETS),
    "identify": ("POST", "/device-id/", {"identify"}, {}),
    "identifier": ("GET", "/device-id/", {"read"}, {}),
    "start 1": ("PUT", "/container/?action=start&uid=aa", {"start"}, {}),
    "stop 1": ("PUT", "/container/?action=stop&uid=aa", {"stop"}, {}),
    "delete 1": ("DELETE", "/container/?action=delete&uid=aa", {"delete"}, {}),
    "running 1": ("GET", "/container/?action=is-running&uid=aa", {"read"}, {}),
}
"""Method, path below the device, the verbs that it needs, header fields."""


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRET}{name}"}


@contextmanager
def gateway_of(
    tmp_path: Path, program: Program, tokens: dict[str, tuple[list[str], list[str] | None]]
) -> Iterator[Gateway]:
    """A gateway with a device in each of two groups, and tokens: verbs and groups by name."""
    more = ""
    for name, group in (("mine", "here"), ("other", "there")):
        program.good("keygen", "--oscore", tmp_path / name)
        shutil.move(tmp_path / name / "operator", tmp_path / f"{name}-context")
        more += DEVICE.format(name=name, group=group)
    for name, (verbs, groups) in tokens.items():
        digest = hashlib.sha256(f"{SECRET}{name}".encode()).hexdigest()
        more += TOKEN.format(name=name, sha256=digest, verbs=verbs)
        more += f"groups = {groups}\n" if groups else ""
    with running_gateway(write_gateway_file(tmp_path, more, template=TEMPLATE)) as gateway:
        yield gateway


@pytest.mark.clause("TC-GW-51")
def test_each_verb_is_for_what_it_says_and_for_its_groups(tmp_path: Path, program: Program) -> None:
    tokens = {each.value: ([each.value], ["here"]) for each in TokenVerb}
    tokens["load-delete"] = ["load", "delete"], ["here"]
    with gateway_of(tmp_path, program, tokens) as gateway:  # type: ignore[arg-type]
        for token, (verbs, _) in tokens.items():
            for kind, (method, path, needed, headers) in ASKED.items():
                ask = {"content": PAYLOAD} if method in ("PUT", "POST") else {}
                both = {**headers, **bearer(token)}
                statuses = [
                    gateway.ask(method, f"/devices/{name}{path}", headers=both, **ask).status_code
                    for name in ("mine", "other", "nobody")
                ]
                expected = 403
                if needed <= set(verbs):
                    expected = 200 if kind == "see" else 504
                assert statuses == [expected, 404, 404], (token, kind)
                job = gateway.ask(
                    method,
                    f"/devices/other{path}",
                    headers={**both, "Prefer": "respond-async"},
                    **ask,
                )
                assert job.status_code == 404, (token, kind)
            expected = 200 if "measure" in verbs else 403
            assert gateway.ask("GET", "/metrics", headers=bearer(token)).status_code == expected
            digest = hashlib.sha256(PAYLOAD).hexdigest()
            put = gateway.ask("PUT", f"/blobs/{digest}", content=PAYLOAD, headers=bearer(token))
            assert put.status_code == (201 if "store" in verbs else 403)
            got = gateway.ask("GET", f"/blobs/{digest}", headers=bearer(token))
            assert got.status_code == (200 if "store" in verbs else 403)
        written = (tmp_path / "audit.log").read_text() + gateway.complaints()
    assert SECRET not in written
    assert PAYLOAD.decode() not in written
    assert all(each not in written for each in map(token_hash, tokens))


def token_hash(name: str) -> str:
    return hashlib.sha256(f"{SECRET}{name}".encode()).hexdigest()


def test_what_is_another_s_is_nowhere(tmp_path: Path, program: Program) -> None:
    everything = [each.value for each in TokenVerb]
    tokens: dict[str, tuple[list[str], list[str] | None]] = {
        "all": (everything, None),
        "here": (everything, ["here"]),
        "alike": (everything, ["here"]),
    }
    with gateway_of(tmp_path, program, tokens) as gateway:

        def ask(token: str, method: str, path: str, **headers: str) -> httpx.Response:
            return gateway.ask(method, path, headers={**bearer(token), **headers})

        made = ask("all", "GET", "/devices/mine/tc", Prefer="respond-async")
        hidden = ask("all", "GET", "/devices/other/tc", Prefer="respond-async")
        jobs = [each.headers["location"] for each in (made, hidden)]
        for token in ("here", "alike"):
            for job in jobs:
                refusals = [
                    ask(token, "GET", job),
                    ask(token, "DELETE", job),
                    ask(token, "GET", f"{job}/result"),
                    ask(token, "GET", job, Accept="text/event-stream"),
                    ask(token, "GET", "/jobs/" + "0" * 32),
                ]
                assert {each.status_code for each in refusals} == {404}
                assert len({each.content for each in refusals}) == 1
            assert ask(token, "GET", "/devices/mine/jobs").json() == []
            assert [each["name"] for each in ask(token, "GET", "/devices").json()] == ["mine"]
            assert "other" not in ask(token, "GET", "/metrics").text
        found, none = (ask("here", "GET", f"/devices/{name}/tc") for name in ("other", "nobod"))
        assert found.content.replace(b"other", b"nobod") == none.content
        assert {*found.headers} == {*none.headers}
        url = f"{gateway.web}/devices"
        stream = {**bearer("here"), "Accept": "text/event-stream"}
        with httpx.stream("GET", url, headers=stream, trust_env=False) as watched:
            lines = watched.iter_lines()
            seen = []
            for line in lines:
                seen.append(line)
                if line.startswith('data: {"devices"'):
                    break
            ask("all", "DELETE", jobs[1])
            again = ask("all", "GET", "/devices/mine/tc", Prefer="respond-async")
            assert again.status_code == 202
            seen += [next(lines), next(lines), next(lines)]
        assert seen[-1].startswith('data: {"name": "mine"')
        assert all("other" not in line for line in seen)


def test_nobody_has_all_streams(tmp_path: Path, program: Program) -> None:
    tokens: dict[str, tuple[list[str], list[str] | None]] = {
        "greedy": (["read"], None),
        "modest": (["read"], None),
    }
    with gateway_of(tmp_path, program, tokens) as gateway:
        with httpx.Client(base_url=gateway.web, trust_env=False) as client:
            held = []
            for token in ("greedy", "greedy", "greedy", "modest"):
                headers = {**bearer(token), "Accept": "text/event-stream"}
                request = client.build_request("GET", "/devices", headers=headers)
                answer = client.send(request, stream=True)
                pieces = answer.iter_bytes()
                next(pieces)
                held.append((answer, pieces))
            assert [each.status_code for each, _ in held] == [200, 200, 503, 200]
            for each, _ in held:
                each.close()
        assert "Traceback" not in gateway.complaints()
