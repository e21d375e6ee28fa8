"""`gateway` before it serves: what it refuses, and what it checks; tokens and TLS for it."""

import datetime
import ipaddress
import ssl
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.gateways import free_web_port, running_gateway
from support.project import Program
from support.serving import HOST, free_port

DIGEST = "0" * 64
TOKENS = '[[tokens]]\nname = "{}"\nsha256 = "{}"\nverbs = ["read"]\n'
DEVICES = '[[devices]]\nname = "{}"\ncontext = "{}"\n'
GOOD = """
[http]
bind = "127.0.0.1:8090"
[coap]
bind = "127.0.0.1:5700"
insecure = true
"""
ONE = TOKENS.format("one", DIGEST)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(GOOD + ONE)
    return path


def make_certificate(directory: Path, name: str = "tls") -> tuple[Path, Path]:
    """A certificate for this machine that it has signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    signed = builder.add_extension(addresses, critical=False).sign(key, hashes.SHA256())
    certificate, private = directory / f"{name}.crt", directory / f"{name}.key"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


OUTSIDE = GOOD.replace("127.0.0.1:8090", "0.0.0.0:8090")
PROBLEMS = {
    "syntax": ("[http", "gateway.toml: "),
    "unknown table": (GOOD + ONE + "[x]\n", "x"),
    "unknown key": (GOOD + "x = 1\n" + ONE, "coap.x"),
    "a number": (GOOD + "[limits]\ncache_ms = 70000\n" + ONE, "limits.cache_ms"),
    "no time": (GOOD + "[limits]\nanswer_s = 0\n" + ONE, "limits.answer_s"),
    "no tokens": (GOOD, "tokens: nobody may ask; write a table [[tokens]]"),
    "no devices": (GOOD.replace("insecure = true", "") + ONE, "devices: no device may register"),
    "both": (GOOD.replace("[coap]", "insecure = true\n[coap]") + ONE, "leave it or tokens out"),
    "two names": (GOOD + ONE + TOKENS.format("one", "1" * 64), "tokens: two have one name"),
    "two hashes": (GOOD + ONE + TOKENS.format("two", DIGEST), "tokens: two have one hash"),
    "a hash": (GOOD + TOKENS.format("one", "A" * 64), "tokens[0].sha256"),
    "a name": (GOOD + TOKENS.format("o n", DIGEST), "tokens[0].name"),
    "a verb": (GOOD + ONE.replace('"read"', '"kill"'), "tokens[0].verbs[0]"),
    "no verbs": (GOOD + ONE.replace('"read"', ""), "tokens[0].verbs"),
    "no groups": (GOOD + ONE + "groups = []\n", "tokens[0].groups"),
    "a device": (GOOD + ONE + DEVICES.format("a/b", "x"), "devices[0].name"),
    "two devices": (GOOD + ONE + DEVICES.format("a", "x") * 2, "devices: two have one name"),
    "no context": (GOOD + ONE + DEVICES.format("a", "x"), "devices[0].context: "),
    "a context elsewhere": (GOOD + ONE + DEVICES.format("a", "../x"), "devices[0].context"),
    "an address": (GOOD.replace("127.0.0.1:8090", "localhost:1") + ONE, "http.bind"),
    "a port": (GOOD.replace("127.0.0.1:5700", "127.0.0.1:0") + ONE, "coap.bind"),
    "in clear": (OUTSIDE + ONE, "http.bind: 0.0.0.0:8090 can be reached from outside, and tokens"),
    "for all": (
        OUTSIDE.replace("[coap]", "insecure = true\n[coap]"),
        "http.bind: 0.0.0.0:8090 can be reached from outside, and everybody may do",
    ),
    "devices for all": (
        GOOD.replace("127.0.0.1:5700", "[::]:5700") + ONE,
        "coap.bind: [::]:5700 can be reached from outside, and everybody may register",
    ),
    "half of TLS": (
        GOOD.replace("[coap]", 'certificate = "x"\n[coap]') + ONE,
        "certificate and key: go together",
    ),
    "a state elsewhere": ('state = "../x.db"\n' + GOOD + ONE, "gateway.toml: state"),
    "an audit elsewhere": ('audit = "/tmp/x"\n' + GOOD + ONE, "gateway.toml: audit"),
    "an origin": ('blobs_from = "file:///etc/"\n' + GOOD + ONE, "blobs_from"),
    "an origin without a host": ('blobs_from = "http:///x"\n' + GOOD + ONE, "blobs_from"),
}


@pytest.mark.clause("TC-GW-69")
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    file: Path, program: Program, name: str
) -> None:
    text, problem = PROBLEMS[name]
    file.write_text(text)
    found = program.bad("gateway", file, "--check")
    assert "gateway.toml: " in found
    assert problem in found
    assert DIGEST not in found


def test_a_check_serves_nothing_and_changes_nothing(file: Path, program: Program) -> None:
    before = sorted(each.name for each in file.parent.iterdir())
    shown = program.good("gateway", file, "--check")
    assert "can be served at http://127.0.0.1:8090 and coap://127.0.0.1:5700" in shown
    found = program.json("gateway", file, "--check")
    assert found["http"] == "http://127.0.0.1:8090"
    assert sorted(each.name for each in file.parent.iterdir()) == before


@pytest.mark.clause("TC-GW-69")
def test_two_devices_need_contexts_of_their_own(file: Path, program: Program) -> None:
    program.good("keygen", "--oscore", file.parent / "a")
    both = "".join(DEVICES.format(name, "a/operator") for name in ("a", "b"))
    file.write_text(GOOD + ONE + both)
    assert "devices[1].context: is the one of a too" in program.bad("gateway", file, "--check")


@pytest.mark.clause("TC-GW-69")
def test_tls_needs_a_private_key_that_fits(file: Path, program: Program) -> None:
    certificate, key = make_certificate(file.parent)
    named = f'certificate = "{certificate.name}"\nkey = "{key.name}"\n[coap]'
    file.write_text(OUTSIDE.replace("[coap]", named) + ONE)
    assert "https://0.0.0.0:8090" in program.good("gateway", file, "--check")
    key.chmod(0o644)
    problem = program.bad("gateway", file, "--check")
    assert "tls.key: has the mode 0644, so others can use it; make it 0600" in problem
    key.chmod(0o600)
    _, other = make_certificate(file.parent, "other")
    for content in (other.read_bytes(), b"", b"no key"):
        key.write_bytes(content)
        assert "http.certificate: cannot be used with its key" in program.bad(
            "gateway", file, "--check"
        )
    certificate.unlink()
    assert "http.certificate" in program.bad("gateway", file, "--check")


@pytest.mark.clause("TC-GW-69")
def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(
    file: Path, program: Program
) -> None:
    certificate, key = make_certificate(file.parent)
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    named = f'certificate = "{certificate.name}"\nkey = "{key.name}"\n[coap]'
    file.write_text(GOOD.replace("[coap]", named) + ONE)
    assert "http.certificate: cannot be used" in program.bad("gateway", file, "--check")


def bearer(program: Program, path: Path) -> tuple[str, str]:
    """A new token and its hash."""
    digest = program.json("keygen", path, "--bearer")["sha256"]
    return path.with_name(f"{path.name}.token").read_text().strip(), digest


def serve_both(file: Path, more: str) -> None:
    """A file with free ports."""
    text = GOOD.replace(":8090", f":{free_web_port()}").replace(":5700", f":{free_port()}")
    file.write_text(text + more)


@pytest.mark.clause("TC-GW-60", "TC-GW-69")
def test_a_token_works_over_tls(file: Path, program: Program) -> None:
    pytest.importorskip("starlette")
    pytest.importorskip("aiocoap")
    token, digest = bearer(program, file.parent / "reader")
    certificate, key = make_certificate(file.parent)
    serve_both(file, TOKENS.format("reader", digest))
    named = f'certificate = "{certificate.name}"\nkey = "{key.name}"\n[coap]'
    file.write_text(file.read_text().replace("[coap]", named))
    trusted = ssl.create_default_context(cafile=certificate)
    with (
        running_gateway(file) as gateway,
        httpx.Client(verify=trusted, trust_env=False) as client,
    ):
        assert gateway.web.startswith("https://")
        given = {"Authorization": f"Bearer {token}"}
        assert client.get(f"{gateway.web}/devices", headers=given).status_code == 200
        assert client.get(f"{gateway.web}/devices").status_code == 401
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{gateway.web}/devices", trust_env=False)
        assert token not in gateway.complaints()


@pytest.mark.clause("TC-GW-60")
def test_a_token_is_private_and_never_overwritten(tmp_path: Path, program: Program) -> None:
    token, digest = bearer(program, tmp_path / "reader")
    path = tmp_path / "reader.token"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sha256(token.encode()).hexdigest() == digest
    assert len(token) >= 43
    assert "reader.token" in program.bad("keygen", tmp_path / "reader", "--bearer")
    assert path.read_text().strip() == token
    shown = program.good("keygen", tmp_path / "other", "--bearer")
    other = (tmp_path / "other.token").read_text().strip()
    assert other not in shown
    assert other != token
    assert sha256(other.encode()).hexdigest() in shown


@pytest.mark.clause("TC-GW-69")
def test_ports_and_states_belong_to_one_gateway(file: Path, program: Program) -> None:
    pytest.importorskip("starlette")
    pytest.importorskip("aiocoap")
    serve_both(file, ONE)
    with running_gateway(file) as gateway:
        assert f"{gateway.web} or {gateway.coap}: cannot be used" in program.bad(
            "gateway", file, "--quiet"
        )
        text = file.read_text()
        other = file.with_name("other.toml")
        web = gateway.web.removeprefix("http://")
        moved = text.replace(web, f"{HOST}:{free_web_port()}")
        other.write_text(f'state = "other.db"\n{moved}')
        # In a process of its own: the library leaves a socket open.
        with pytest.raises(RuntimeError, match="cannot be used"), running_gateway(other):
            pass
        serve_both(other, ONE)
        assert "gateway.db: is in use by another gateway" in program.bad(
            "gateway", other, "--quiet"
        )


@pytest.mark.clause("TC-GW-69")
@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + bytes(100)])
def test_a_state_of_another_kind_is_refused(file: Path, program: Program, content: bytes) -> None:
    pytest.importorskip("starlette")
    pytest.importorskip("aiocoap")
    serve_both(file, ONE)
    state = file.with_name("gateway.db")
    state.write_bytes(content)
    assert "gateway.db" in program.bad("gateway", file, "--quiet")
    assert state.read_bytes() == content
