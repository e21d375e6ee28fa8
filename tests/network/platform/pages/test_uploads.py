"""Files that are sent with forms: who may, how long they are, and what a refused one leaves."""

from hashlib import sha256
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import func, select
from support.four_parties import BOX, CODE, FourParties, good, states
from support.platform_pages import PageClient, PageWorld, ParsedPage
from support.release_forms import FIELDS, file_of
from support.worlds import KEYS

from tinycontainer.network.platform.actor import PlatformScope
from tinycontainer.network.platform.tables.catalogue import ArtefactRow
from tinycontainer.network.platform.web.middleware import JSON_BYTES
from tinycontainer_tokens import Role
from tinycontainer_tokens.key_files import to_pem

PLACE: Final = f"/releases/{BOX}/50"
OTHER: Final = b"\0asm\1\0\0\0 other code"
BOUNDARY: Final = "multipart/form-data; boundary=x"


@pytest.fixture
def begun(world: PageWorld) -> PageWorld:
    """A world in which a release has just begun."""
    world.rollouts.parties.begin(50)
    return world


def artefacts(world: PageWorld) -> int:
    """How many files the platform keeps."""
    with world.platform.database.reading() as session:
        return session.scalar(select(func.count()).select_from(ArtefactRow)) or 0


def parties_of(world: PageWorld) -> FourParties:
    """The four parties."""
    return world.rollouts.parties


def upload(
    client: PageClient, content: str, file: bytes | None, fields: Any = None, name: str = "a file"
) -> httpx.Response:
    """Send a form with a file, or with none chosen."""
    chosen = ("", b"") if file is None else (name, file)
    return client.send(f"{PLACE}/{content}", fields or {}, files={"file": chosen})


def refusal_in(answer: httpx.Response, status: int) -> str:
    """The line by which a form is refused, on the page that it is on."""
    assert answer.status_code == status, answer.text
    page = ParsedPage(answer.text)
    assert len([each for _, each in page.elements if each.get("role") == "alert"]) == 1
    assert f"{PLACE}/" in "".join(page.values("form", "action"))
    return page.text


@pytest.mark.clause("TC-PLAT-74")
def test_what_is_uploaded_is_what_the_api_would_have_taken(begun: PageWorld) -> None:
    developer = begun.client("dev")
    fields = {**FIELDS["code"], "type": "bpf", "sequence": "60", "audience": "box-01"}
    answer = upload(developer, "code", OTHER, fields)
    assert (answer.status_code, answer.headers["location"]) == (303, PLACE)
    shown = parties_of(begun).show(number=50)
    assert shown["code_sha256"] == sha256(OTHER).hexdigest()
    assert (shown["type"], shown["asked_mask"]) == ("bpf", 2)
    assert shown["terms"]["code"] == {
        "sequence": 60, "audience": "box-01", "not_before": None, "expires": None,
    }  # fmt: skip
    assert upload(developer, "code", None, {"type": "wasm"}).status_code == 303
    again = parties_of(begun).show(number=50)
    assert (again["code_sha256"], again["type"]) == (shown["code_sha256"], "wasm")
    assert upload(begun.client("data"), "data", None, {"empty": "on"}).status_code == 303
    assert states(parties_of(begun).show(number=50))["data"] == "unsigned"
    assert upload(begun.client("infra"), "envelope", file_of("envelope")).status_code == 303
    assert parties_of(begun).show(number=50)["envelope_sha256"] is not None


@pytest.mark.clause("TC-PLAT-75")
@pytest.mark.parametrize(
    ("content", "organisation", "file", "said"),
    [
        ("code", "dev", None, "file: choose one"),
        ("data", "data", to_pem(KEYS[Role.PROVIDER]), "is a key file"),
        ("sbom", "dev", b"{}", "sbom:"),
        ("sbom", "dev", bytes((1 << 20) + 1), "longer than 1048576 bytes"),
        ("envelope", "infra", b"\xd8\x6b\xa0", "envelope:"),
        ("data", "data", bytes((4 << 20) + 1), "longer than 4194304 bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_not_kept(
    begun: PageWorld, content: str, organisation: str, file: bytes | None, said: str
) -> None:
    before = artefacts(begun)
    answer = upload(begun.client(organisation), content, file, FIELDS.get(content, {}))
    assert said in refusal_in(answer, 413 if "longer" in said else 400)
    assert artefacts(begun) == before
    assert begun.client(organisation).client.get("/api/me").status_code == 200


@pytest.mark.clause("TC-PLAT-74")
def test_a_file_without_the_csrf_of_the_session_is_not_kept(begun: PageWorld) -> None:
    before = artefacts(begun)
    for csrf in ("", "0" * 64, begun.client("data").csrf):
        answer = upload(begun.client("dev"), "code", CODE + b" ", {**FIELDS["code"], "csrf": csrf})
        assert answer.status_code == 403
    answer = begun.client("dev").send(
        f"{PLACE}/code", FIELDS["code"], files={"file": ("x", OTHER)},
        headers={"Origin": "https://evil.example"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert artefacts(begun) == before


@pytest.mark.clause("TC-PLAT-74")
def test_only_who_has_logged_in_may_send_much_and_only_to_forms_with_a_file(
    begun: PageWorld,
) -> None:
    much: dict[str, Any] = {"files": {"file": ("x", bytes(2 * JSON_BYTES))}}
    nobody = begun.nobody().client
    assert nobody.post(f"{PLACE}/code", **much).status_code == 413
    token = begun.platform.token(begun.platform.client("dev"), *PlatformScope)
    assert nobody.post(f"{PLACE}/code", **much, headers=token).status_code == 413
    stale = {"Cookie": f"tinycontainer_session={'0' * 64}"}
    assert nobody.post(f"{PLACE}/code", **much, headers=stale).status_code == 401
    developer = begun.client("dev")
    for path in (f"{PLACE}/rights", f"{PLACE}/plan", f"{PLACE}/code/", "/releases/begin"):
        assert developer.client.post(path, **much).status_code == 413, path
    longer: dict[str, Any] = {"files": {"file": ("x", bytes((4 << 20) + JSON_BYTES))}}
    assert developer.client.post(f"{PLACE}/code", **longer).status_code == 413


@pytest.mark.clause("TC-PLAT-74")
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"csrf=x&type=wasm", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"no form at all", BOUNDARY),
        (b"", "multipart/form-data"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n', BOUNDARY),
        (b"--x\r\nContent-Type: text/plain\r\n\r\nb\r\n--x--\r\n", BOUNDARY),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 2 + b"--x--", BOUNDARY),
        (
            b"".join(
                b'--x\r\nContent-Disposition: form-data; name="%d"\r\n\r\n\r\n' % each
                for each in range(33)
            )
            + b"--x--",
            BOUNDARY,
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nb\r\n' * 2
            + b"--x--",
            BOUNDARY,
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
            + bytes(9 * 1024)
            + b"\r\n--x--",
            BOUNDARY,
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--',
            f"{BOUNDARY}; charset=undefined",
        ),
        (
            b"--x\r\n"
            + b"X: a\r\n" * 100
            + b'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\nb\r\n--x--',
            BOUNDARY,
        ),
    ],
)
def test_a_body_that_is_no_such_form_is_refused(
    unchanged: PageWorld, body: bytes, media_type: str
) -> None:
    path = f"/releases/{BOX}/1/code"
    client = unchanged.client("dev").client
    answer = client.post(path, content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.clause("TC-PLAT-75")
def test_what_a_rollout_has_brought_to_devices_has_no_form_any_more(unchanged: PageWorld) -> None:
    for organisation, content in (("dev", "code"), ("data", "data"), ("boxes", "rights")):
        page = unchanged.client(organisation).look(f"/releases/{BOX}/1/{content}", 409)
        assert "begin a release of a higher number" in page.text
        shown = unchanged.client(organisation).look(f"/releases/{BOX}/1")
        assert f"/releases/{BOX}/1/{content}" not in shown.values("a", "href")
    assert "CycloneDX" in unchanged.client("dev").look(f"/releases/{BOX}/1/sbom").text


@pytest.mark.clause("TC-PLAT-76")
def test_a_plan_has_as_many_rows_as_a_container_endpoints(begun: PageWorld) -> None:
    rows = {
        f"{name}-{row}": value
        for row in range(64)
        for name, value in (
            ("id", str(row)), ("peer", "local"), ("peer_endpoint", "7"), ("peer_uid", ""),
            ("direction", "out"),
        )
    }  # fmt: skip
    operator = begun.client("infra")
    answer = operator.send(f"{PLACE}/plan", {**rows, "peer-63": "container"})
    assert "endpoint 63: peer_uid is that of a peer container" in refusal_in(answer, 400)
    kept = ParsedPage(answer.text).fields
    assert kept["id-63"] == "63"
    assert operator.send(f"{PLACE}/plan", rows).status_code == 303
    assert len(parties_of(begun).show(number=50)["plan"]["endpoints"]) == 64
    crowd = {f"x-{each}": "" for each in range(513)}
    assert operator.send(f"{PLACE}/plan", crowd).status_code == 400


@pytest.mark.clause("TC-PLAT-76")
def test_a_plan_of_another_infrastructure_is_not_taken_over(begun: PageWorld) -> None:
    parties_of(begun).begin(51, infrastructure="others")
    other = begun.client("others")
    place = f"/releases/{BOX}/51"
    assert "version before" not in other.look(f"{place}/plan").text
    answer = other.send(f"{place}/plan/before")
    assert answer.status_code == 409
    assert "no version before has one of yours" in ParsedPage(answer.text).text
    operator = begun.client("infra")
    assert operator.send(f"{PLACE}/plan/before").status_code == 303
    shown = parties_of(begun).show(number=50)
    assert shown["plan"] == parties_of(begun).show(number=3)["plan"]


@pytest.mark.clause("TC-PLAT-76")
def test_an_application_is_known_by_text_or_digits_and_begins_at_the_next_number(
    begun: PageWorld,
) -> None:
    developer = begun.client("dev")
    for written, digits in (("hex:00FF", "00ff"), ("a b", "612062")):
        answer = developer.send("/applications", {"new_uid": written, "name": "New"})
        assert answer.headers["location"] == f"/releases/begin?uid={digits}"
    answer = developer.send("/applications", {"new_uid": "hex:0", "name": "New"})
    assert answer.status_code == 400
    page = ParsedPage(answer.text)
    assert "odd number of digits" in page.text
    assert (page.fields["new_uid"], page.fields["name"]) == ("hex:0", "New")
    fields = {"provider": "data", "infrastructure": "infra", "owner": "boxes", "uid": BOX}
    fields |= {"number": "", "profile": "riot-2024"}
    answer = developer.send("/releases/begin", fields)
    assert answer.headers["location"] == f"/releases/{BOX}/51"
    assert "one device only" not in developer.look(f"/releases/{BOX}/51/code").text
    answer = developer.send("/releases/begin", {**fields, "number": "0"})
    assert answer.status_code == 400
    good(developer.client.get(f"/api/releases/{BOX}/51"))
