"""Blobs by their hash: given, fetched once, and taken in place of a payload."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.fake_device import FakeDevice, reply, take
from support.gateways import Gateway, register, running_gateway, wait_until, write_gateway_file
from support.serving import HOST, asking

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
from tinycontainer.network.agent.requests.message import CoapAnswer, Method, Option, to_uint

OCTETS = {"Content-Type": "application/octet-stream"}
BOX = "/devices/fake/tc/c/00"


class Origin:
    """Who has blobs: what it answers by path, and which paths it was asked for."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []
        self.lock = threading.Lock()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with origin.lock:
                    origin.asked.append(self.path)
                target = origin.moved.get(self.path)
                content = origin.content.get(self.path)
                self.send_response(302 if target else 404 if content is None else 200)
                if target:
                    self.send_header("Location", target)
                self.end_headers()
                try:
                    self.wfile.write(content or b"")
                except OSError:
                    return

            def log_message(self, *_given: object) -> None:
                return

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.uri = f"http://{HOST}:{self.server.server_address[1]}/b/"

    def keep(self, content: bytes) -> str:
        """Have a blob; its hash."""
        digits = sha256(content).hexdigest()
        self.content[f"/b/{digits}"] = content
        return digits


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    found = Origin()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, fake: FakeDevice, origin: Origin
) -> Iterator[Gateway]:
    """One that has room for three blobs of the greatest length, and asks the origin for others."""
    more = "payload_bytes = 20000\nblob_bytes = 60000\n"
    file = write_gateway_file(tmp_path_factory.mktemp("blobs"), more)
    file.write_text(f'blobs_from = "{origin.uri}"\n{file.read_text()}')
    with running_gateway(file) as running:
        register(running, "fake", fake.base)
        yield running


def put(gateway: Gateway, content: bytes) -> str:
    """Give a blob; its hash."""
    digits = sha256(content).hexdigest()
    assert gateway.ask("PUT", f"/blobs/{digits}", content=content).status_code == 201
    return digits


@pytest.mark.clause("TC-GW-67")
def test_a_blob_has_its_hash_and_its_bounds(gateway: Gateway) -> None:
    content = b"a blob" * 1000
    digits = put(gateway, content)
    found = gateway.ask("GET", f"/blobs/{digits}")
    assert found.content == content
    assert found.headers["etag"] == f'"{digits}"'
    wrong = gateway.ask("PUT", f"/blobs/{'00' * 32}", content=content)
    assert (wrong.status_code, wrong.json()["title"]) == (422, "wrong hash")
    assert gateway.ask("GET", f"/blobs/{'00' * 32}").status_code == 404
    long = bytes(20_001)
    assert gateway.ask("PUT", f"/blobs/{sha256(long).hexdigest()}", content=long).status_code == 413
    for name in ("00", "zz" * 32, "00" * 33, f"{'00' * 31}%20%20"):
        assert gateway.ask("GET", f"/blobs/{name}").status_code == 400


@pytest.mark.clause("TC-GW-67")
def test_blobs_that_were_used_longest_ago_make_room(gateway: Gateway) -> None:
    digits = [put(gateway, bytes([n]) * 20_000) for n in range(3)]
    assert gateway.ask("GET", f"/blobs/{digits[0]}").status_code == 200
    for n in range(10, 16):
        put(gateway, bytes([n]) * 20_000)
        gateway.ask("GET", f"/blobs/{digits[0]}")
    assert gateway.ask("GET", f"/blobs/{digits[1]}").status_code == 404


def fetch(gateway: Gateway, digits: str, *options: tuple[int, bytes]) -> CoapAnswer:
    """A blob over CoAP, put together of its blocks."""
    with asking(gateway.coap) as ask:
        return ask(Method.GET, f"/blobs/{digits}", b"", *options)


@pytest.mark.clause("TC-GW-67")
@pytest.mark.parametrize("size", [256, 1024])
def test_a_device_fetches_a_blob_in_blocks(gateway: Gateway, size: int) -> None:
    content = b"".join(n.to_bytes(2, "big") for n in range(2000))
    digits = put(gateway, content)
    exponent = size.bit_length() - 5
    found = fetch(gateway, digits, (int(Option.BLOCK2), to_uint(exponent)))
    assert found.payload == content
    assert dict(found.options)[Option.ETAG] == bytes.fromhex(digits)[:8]
    assert fetch(gateway, "00" * 32).code.dotted == "4.04"
    assert fetch(gateway, "00").code.dotted == "4.00"
    with asking(gateway.coap) as ask:
        assert ask(Method.PUT, f"/blobs/{digits}", b"x").code.dotted == "4.05"


@pytest.mark.clause("TC-GW-67")
def test_a_blob_stands_for_a_payload(gateway: Gateway, fake: FakeDevice) -> None:
    content = bytes(range(256)) * 20
    digits = put(gateway, content)
    fake.does(lambda asked: take(asked, reply("2.04")))
    assert gateway.ask("PUT", f"{BOX}?blob={digits}", headers=OCTETS).status_code == 204
    assert fake.uploaded() == content
    assert all("blob" not in part for each in fake.asked for part in each.query)
    fake.asked.clear()
    later = {**OCTETS, "Prefer": "respond-async"}
    job = gateway.ask("PUT", f"{BOX}?blob={digits}", headers=later)
    assert job.status_code == 202
    wait_until(lambda: gateway.ask("GET", f"/jobs/{job.json()['id']}").json()["state"] == "done")
    assert fake.uploaded() == content


@pytest.mark.clause("TC-GW-67")
def test_a_blob_that_cannot_stand_for_it_is_refused(gateway: Gateway, fake: FakeDevice) -> None:
    digits = put(gateway, b"x")
    fake.does(lambda asked: take(asked, reply("2.04")))

    def ask(method: str, query: str, content: object = b"") -> int:
        return gateway.ask(method, f"{BOX}?{query}", content=content).status_code

    assert ask("PUT", f"blob={'00' * 32}") == 404
    assert ask("PUT", "blob=00") == 400
    assert ask("PUT", f"blob={digits}", b"a payload") == 400
    assert ask("PUT", f"blob={digits}", iter([b"a ", b"payload"])) == 400
    assert ask("PUT", f"blob={digits}&blob={digits}") == 400
    assert ask("GET", f"blob={digits}") == 400
    assert ask("DELETE", f"blob={digits}") == 400
    assert fake.asked == []


@pytest.mark.clause("TC-GW-68")
def test_a_blob_is_fetched_once_for_all_who_ask(gateway: Gateway, origin: Origin) -> None:
    content = b"from afar" * 500
    digits = origin.keep(content)
    with ThreadPoolExecutor(20) as pool:
        found = [*pool.map(lambda _: gateway.ask("GET", f"/blobs/{digits}").content, range(20))]
    assert found == [content] * 20
    assert origin.asked.count(f"/b/{digits}") == 1


@pytest.mark.clause("TC-GW-68")
def test_what_is_not_meant_is_not_kept(gateway: Gateway, origin: Origin) -> None:
    other, long, moved = b"\x01" * 32, sha256(bytes(20_001)).digest(), b"\x02" * 32
    origin.content[f"/b/{other.hex()}"] = b"something else"
    origin.content[f"/b/{long.hex()}"] = bytes(20_001)
    target = origin.keep(b"elsewhere")
    origin.moved[f"/b/{moved.hex()}"] = f"/b/{target}"
    origin.asked.clear()
    for digest in (other, long, moved, b"\x03" * 32):
        assert gateway.ask("GET", f"/blobs/{digest.hex()}").status_code == 404
    assert f"/b/{target}" not in origin.asked
    assert len(origin.asked) == 4


@pytest.mark.clause("TC-GW-68")
def test_nothing_is_fetched_for_a_stranger(tmp_path: Path, origin: Origin) -> None:
    digits = origin.keep(b"for devices alone")
    file = write_gateway_file(tmp_path)
    file.write_text(f'blobs_from = "{origin.uri}"\n{file.read_text()}')
    origin.asked.clear()
    with running_gateway(file) as gateway:
        assert fetch(gateway, digits).code.dotted == "4.04"
        assert origin.asked == []
        register(gateway, "near", f"coap://{HOST}:9")
        assert fetch(gateway, digits).payload == b"for devices alone"


@pytest.mark.clause("TC-GW-68")
def test_an_origin_that_is_gone_has_nothing(tmp_path: Path) -> None:
    file = write_gateway_file(tmp_path)
    file.write_text(f'blobs_from = "http://{HOST}:9/"\n{file.read_text()}')
    with running_gateway(file) as gateway:
        assert gateway.ask("GET", f"/blobs/{'00' * 32}").status_code == 404
