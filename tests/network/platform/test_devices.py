"""Owners list their devices and what these accept; nobody else learns of them."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from support.fleets import Fleet, device_file, key_files
from support.four_parties import FourParties, good
from support.platforms import PASSWORD, Platform, problem_of
from support.worlds import FOREIGN, KEYS

from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.fleet import devices, profiles
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer_tokens import Algorithm, KeyMaterial, Role
from tinycontainer_tokens.key_files import to_cose_key, to_pem, to_public_pem

PUBLIC = to_public_pem(FOREIGN).decode()
SECRET = to_pem(FOREIGN)
ONE_KEY = '[[trust.keys]]\nrole = "owner"\nfile = "owner.pub"\n'


@pytest.fixture
def fleet(platform: Platform) -> Fleet:
    """An owner without devices."""
    return Fleet(FourParties(platform))


@pytest.fixture
def empty(unchanged_platform: Platform) -> Fleet:
    """The same for all tests that are only refused."""
    return Fleet(FourParties(unchanged_platform))


@pytest.fixture
def stranger(platform: Platform) -> Any:
    """The client of an organisation that is everything and has nothing."""
    with platform.database.transaction() as session:
        others = add_organisation(session, "others", [*Role], 0.0)
        hashed = platform.parts.passwords.hash(PASSWORD)
        add_person(session, others, NewPerson("others-admin", hashed, PersonRight.ADMIN), 9, 0.0)
    return platform.client("others")


def test_an_owner_lists_a_device_and_who_operates_it_sees_it(fleet: Fleet) -> None:
    profile = fleet.profile()
    made = good(fleet.give_device("box-1", profile, group="a", labels={"site": "Paris 5"}))
    assert made == {
        "name": "box-1", "kind": "box", "group": "a", "labels": {"site": "Paris 5"},
        "profile": profile, "device_id": None, "evidence_key": None, "owner": "boxes",
        "infrastructure": "infra",
        "gateway": None, "endpoint": None, "takes_updates": False, "contact_s": None,
        "created_s": fleet.parties.platform.clock(),
    }  # fmt: skip
    for role in (Role.OWNER, Role.INFRASTRUCTURE):
        assert good(fleet.client(role).get("/api/devices/box-1")) == made
        assert fleet.names(role=role) == ["box-1"]
        shown = good(fleet.client(role).get(f"/api/profiles/{profile}"))
        assert shown["device_file"] == device_file()
        assert shown["key_files"] == key_files()
        assert [each["id"] for each in good(fleet.client(role).get("/api/profiles"))["profiles"]]


@pytest.mark.clause("TC-PLAT-09")
def test_a_device_does_not_exist_for_others(fleet: Fleet, stranger: Any) -> None:
    profile = fleet.profile()
    fleet.devices(["box-1"], profile)
    for client in (stranger, fleet.client(Role.DEVELOPER), fleet.client(Role.PROVIDER)):
        for method, body in (("GET", None), ("PATCH", {"kind": "x"}), ("DELETE", None)):
            for there, nowhere in (
                ("/api/devices/box-1", "/api/devices/box-2"),
                (f"/api/profiles/{profile}", "/api/profiles/99"),
            ):
                if method == "PATCH" and "profiles" in there:
                    continue
                found = [client.request(method, each, json=body) for each in (there, nowhere)]
                assert [each.status_code for each in found] == [404, 404]
                assert found[0].json() == found[1].json()
        assert good(client.get("/api/devices"))["devices"] == []
        assert good(client.get("/api/profiles"))["profiles"] == []
        assert good(client.get("/api/devices/summary"))["devices"] == 0


@pytest.mark.clause("TC-PLAT-10")
def test_only_the_owner_changes_a_device(fleet: Fleet) -> None:
    fleet.devices(["box-1"], fleet.profile())
    operator = fleet.client(Role.INFRASTRUCTURE)
    problem = "only its owner changes a device"
    assert problem_of(operator.patch("/api/devices/box-1", json={"kind": "x"}), 403) == problem
    assert problem_of(operator.delete("/api/devices/box-1"), 403) == problem
    assert problem_of(operator.delete("/api/profiles/1"), 403) == "only the owner changes a profile"
    assert fleet.names() == ["box-1"]


def test_what_a_change_leaves_out_stays(fleet: Fleet) -> None:
    fleet.devices(["box-1"], fleet.profile(), labels={"site": "x"})
    other = fleet.profile("[capacity]\nslots = 2\n", name="small")
    path = "/api/devices/box-1"
    found = good(fleet.client().patch(path, json={"profile": other, "group": "b"}))
    assert (found["profile"], found["group"], found["kind"]) == (other, "b", "box")
    assert found["labels"] == {"site": "x"}
    assert good(fleet.client().patch(path, json={"labels": {}, "group": ""}))["labels"] == {}
    assert "nothing is to be changed" in problem_of(fleet.client().patch(path, json={}), 400)
    assert "no such profile" in problem_of(fleet.client().patch(path, json={"profile": 99}), 400)


def test_a_device_that_is_deleted_is_gone_and_then_its_profile_can_go(fleet: Fleet) -> None:
    profile = fleet.profile()
    fleet.devices(["box-1"], profile)
    owner, path = fleet.client(), f"/api/profiles/{profile}"
    assert "devices have this profile" in problem_of(owner.delete(path), 409)
    assert owner.delete("/api/devices/box-1").status_code == 204
    assert owner.get("/api/devices/box-1").status_code == 404
    assert owner.delete(path).status_code == 204
    assert owner.get(path).status_code == 404


def test_a_profile_of_others_is_given_to_no_device(fleet: Fleet, stranger: Any) -> None:
    body = {"name": "theirs", "device_file": device_file(), "key_files": key_files()}
    theirs = good(stranger.post("/api/profiles", json=body))["id"]
    detail = "profile: boxes has no such profile"
    assert problem_of(fleet.give_device("box-1", theirs), 400) == detail


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.PROVIDER, Role.INFRASTRUCTURE])
def test_who_owns_no_devices_adds_none(fleet: Fleet, role: Role) -> None:
    profile = fleet.profile()
    assert problem_of(fleet.give_device("box-1", profile, role), 403).endswith("is no owner")
    answer = fleet.give_profile(device_file(), key_files(), role)
    assert problem_of(answer, 403).endswith("is no owner")


@pytest.mark.parametrize("name", ["dev", "nobody", "boxes"])
def test_who_operates_a_device_is_an_infrastructure(fleet: Fleet, name: str) -> None:
    answer = fleet.give_device("box-1", fleet.profile(), infrastructure=name)
    detail = "infrastructure: there is no organisation of this name with this role"
    assert problem_of(answer, 400) == detail


def test_a_name_is_used_once(fleet: Fleet) -> None:
    profile = fleet.profile()
    fleet.devices(["box-1"], profile)
    assert "is taken" in problem_of(fleet.give_device("box-1", profile), 409)


@pytest.mark.parametrize(
    "more",
    [
        {"name": "summary"}, {"name": ""}, {"name": "../x"}, {"name": "x" * 64}, {"name": "-x"},
        {"kind": ""}, {"kind": "x\n"}, {"group": "x" * 64}, {"labels": {"a b": "x"}},
        {"labels": {"a": "\u00e9"}}, {"labels": {"a": 1}}, {"labels": {"a": "x" * 64}},
        {"labels": {f"k{number}": "" for number in range(17)}}, {"profile": 0},
        {"profile": True}, {"profile": 1 << 40}, {"device_id": ""}, {"device_id": "x" * 65},
        {"more": 1},
    ],
)  # fmt: skip
def test_what_is_no_device_is_refused(fleet: Fleet, more: dict[str, Any]) -> None:
    profile = fleet.profile()
    body = {"name": "box-1", "infrastructure": "infra", "kind": "box", "profile": profile, **more}
    problem_of(fleet.client().post("/api/devices", json=body), 400)
    assert fleet.names() == []


def test_a_query_says_which_devices_are_listed(fleet: Fleet) -> None:
    profile = fleet.profile()
    fleet.devices(["a-1", "a-2"], profile, group="first", labels={"site": "Paris 5"})
    fleet.devices(["b-1"], profile, kind="drone", labels={"site": "Lyon", "old": "yes"})
    assert fleet.names("name=a-*") == ["a-1", "a-2"]
    assert fleet.names('label.site="Paris 5" and not name=a-1') == ["a-2"]
    assert fleet.names("kind=drone or group=first") == ["a-1", "a-2", "b-1"]
    assert fleet.names("label.old=*") == ["b-1"]
    assert fleet.names("version=none") == ["a-1", "a-2", "b-1"]
    answer = fleet.client().get("/api/devices", params={"query": "kind=box and"})
    assert problem_of(answer, 400).startswith("query: column 13")


def test_a_list_comes_in_pages(fleet: Fleet) -> None:
    profile = fleet.profile()
    names = [f"box-{number:03}" for number in range(205)]
    fleet.devices(names, profile)
    found = good(fleet.client().get("/api/devices"))
    assert (len(found["devices"]), found["next"]) == (100, "box-099")
    assert fleet.names(after="box-099") == names[100:200]
    assert fleet.names(after="box-199") == names[200:]
    found = good(fleet.client().get("/api/devices", params={"query": "name=box-1*"}))
    assert (len(found["devices"]), found["next"]) == (100, "")


def test_a_summary_counts_by_kind_group_and_profile(fleet: Fleet) -> None:
    plain, small = fleet.profile(), fleet.profile("[capacity]\nslots = 2\n", name="small")
    fleet.devices(["a-1", "a-2"], plain, group="first")
    fleet.devices(["b-1"], small, kind="drone")
    for role in (Role.OWNER, Role.INFRASTRUCTURE):
        assert good(fleet.client(role).get("/api/devices/summary")) == {
            "devices": 3,
            "connected": 0,
            "silent_hour": 3,
            "silent_day": 3,
            "kinds": {"box": 2, "drone": 1},
            "groups": {"first": 2, "": 1},
            "profiles": [
                {"id": plain, "name": "plain", "devices": 2},
                {"id": small, "name": "small", "devices": 1},
            ],
        }


def test_there_are_bounds_on_devices_and_profiles(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MOST_DEVICES", 1)
    monkeypatch.setattr(profiles, "MOST_PROFILES", 1)
    fleet.devices(["box-1"], fleet.profile())
    assert "at most 1 devices" in problem_of(fleet.give_device("box-2", 1), 409)
    answer = fleet.give_profile(device_file("[capacity]\nslots = 2\n"), key_files())
    assert "at most 1 profiles" in problem_of(answer, 409)


def test_the_same_profile_is_there_once(fleet: Fleet) -> None:
    number = fleet.profile()
    answer = fleet.give_profile(device_file(), key_files(), name="again")
    assert problem_of(answer, 409) == f"the same profile is there already: {number} (plain)"


def test_whoever_only_reads_changes_nothing(fleet: Fleet, platform: Platform) -> None:
    fleet.devices(["box-1"], fleet.profile())
    viewer = platform.add_person("boxes", "viewer", PersonRight.VIEWER)
    assert viewer.get("/api/devices/box-1").status_code == 200
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/api/devices", {"name": "x", "infrastructure": "infra", "kind": "x",
                                  "profile": 1}),
        ("PATCH", "/api/devices/box-1", {"kind": "x"}),
        ("DELETE", "/api/devices/box-1", None),
        ("POST", "/api/profiles", {"name": "x", "device_file": "", "key_files": {}}),
        ("DELETE", "/api/profiles/1", None),
    ]  # fmt: skip
    for method, path, body in asked:
        assert "scope deploy" in problem_of(viewer.request(method, path, json=body), 403)


def test_each_deed_is_in_the_audit(fleet: Fleet) -> None:
    profile = fleet.profile()
    fleet.devices(["box-1"], profile)
    good(fleet.client().patch("/api/devices/box-1", json={"labels": {"a": '"\\' * 31}}))
    fleet.client().delete("/api/devices/box-1")
    fleet.client().delete(f"/api/profiles/{profile}")
    entries = good(fleet.client().get("/api/audit"))["entries"]
    assert [(each["deed"], each["subject"]) for each in entries[-5:]] == [
        ("profile-added", "1"), ("device-added", "box-1"), ("device-changed", "box-1"),
        ("device-deleted", "box-1"), ("profile-deleted", "1"),
    ]  # fmt: skip


def _private_pem(key: Any, form: pem.PrivateFormat, secret: bytes = b"") -> str:
    hidden = pem.BestAvailableEncryption(secret) if secret else pem.NoEncryption()
    text: bytes = key.private_bytes(pem.Encoding.PEM, form, hidden)
    return text.decode()


ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x55" * 32)
P256 = ec.derive_private_key(7, ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 1024)
PRIVATE = {
    "PKCS #8": SECRET.decode(),
    "encrypted": _private_pem(ED25519, pem.PrivateFormat.PKCS8, b"x"),
    "OpenSSH": _private_pem(ED25519, pem.PrivateFormat.OpenSSH),
    "SEC 1": _private_pem(P256, pem.PrivateFormat.TraditionalOpenSSL),
    "RSA": _private_pem(RSA, pem.PrivateFormat.TraditionalOpenSSL),
    "after a public one": PUBLIC + SECRET.decode(),
    "before a public one": SECRET.decode() + PUBLIC,
    "after text": "my key\n" + SECRET.decode(),
    "in small letters": SECRET.decode().lower(),
}


@pytest.mark.clause("TC-PLAT-16")
@pytest.mark.parametrize("form", PRIVATE)
def test_a_private_key_is_refused_in_every_form_and_kept_nowhere(empty: Fleet, form: str) -> None:
    files = {"owner.pub": PRIVATE[form]}
    answers = [
        empty.give_profile(ONE_KEY, files),
        empty.give_profile(ONE_KEY, {"owner.pub": PUBLIC, "spare.pem": PRIVATE[form]}),
        empty.give_profile("this is no TOML", files),
        empty.give_profile("# " + PRIVATE[form].replace("\n", "\n# "), {}),
    ]
    for answer in answers:
        assert "send public keys only" in problem_of(answer, 400)
        assert answer.json()["type"].endswith("private-key")
        assert PRIVATE[form].splitlines()[1] not in answer.text
    assert good(empty.client().get("/api/profiles"))["profiles"] == []


@pytest.mark.parametrize(
    "text",
    [
        to_cose_key(FOREIGN).hex(),
        to_cose_key(FOREIGN).decode("latin-1"),
        "".join(SECRET.decode().splitlines()[1:-1]),
        FOREIGN.secret.hex() if FOREIGN.secret else "",
        json.dumps({"kty": "OKP", "crv": "Ed25519", "d": "secret"}),
        to_cose_key(KeyMaterial(Algorithm.HMAC_256, b"", b"x" * 32)).hex(),
    ],
)
def test_a_secret_that_is_no_pem_is_refused_too(empty: Fleet, text: str) -> None:
    problem_of(empty.give_profile(ONE_KEY, {"owner.pub": text}), 400)
    assert good(empty.client().get("/api/profiles"))["profiles"] == []


def test_of_a_key_file_only_the_public_key_is_kept(fleet: Fleet) -> None:
    noted = f"the secret is {FOREIGN.secret!r}\n{PUBLIC}and once more\n"
    found = good(fleet.give_profile(ONE_KEY, {"owner.pub": noted}))
    assert found["key_files"] == {"owner.pub": PUBLIC}


def test_a_key_of_hmac_is_a_secret(fleet: Fleet) -> None:
    answer = fleet.give_profile(ONE_KEY + 'algorithm = "HMAC-256"\n', {})
    assert answer.json()["type"].endswith("private-key")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "keys/../../x", "keys//x", "./x", "x/", "", "..", "a/..",
        "a\\b", "a\n", "a\x00", "a/b/c/d/e", ".hidden", "x" * 64, "\u00e9",
    ],
)  # fmt: skip
def test_a_key_file_has_a_plain_name(empty: Fleet, name: str) -> None:
    text = f'[[trust.keys]]\nrole = "owner"\nfile = {json.dumps(name)}\n'
    problem_of(empty.give_profile(text, {name: PUBLIC}), 400)
    detail = problem_of(empty.give_profile(text, {}), 400)
    assert "send the public key" in detail or "device_file" in detail


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[state]\nfile = "/etc/passwd"\n', "state"),
        ("[state]\n", "state"),
        ('[update]\nvendor = "boxes.example"\n[[update.keys]]\nfile = "x.pub"\n', "update"),
        ("[agent]\ninsecure = true\n", "agent"),
        ('[[containers]]\nbundle = "../x.tcb"\n', "containers"),
        ('[device]\nkey = "device.key"\n', "device.key"),
        ('[evidence]\nkey = "evidence.pem"\n', "evidence"),
        ('[[drivers]]\ndriver = "sensor"\nendpoint = 1\noptions = { file = "/etc/passwd" }\n',
         "drivers[0].options"),
        ('[[drivers]]\ndriver = "x"\nendpoint = 1\n[[drivers]]\ndriver = "y"\nendpoint = 1\n',
         "drivers"),
        ("[capacity]\ncode_bytes = 262145\n", "capacity.code_bytes"),
        ("[capacity]\nslots = 99999999999999999999999\n", "capacity.slots"),
        ("[capacity]\nslots = 0x" + "f" * 20000 + "\n", "TOML"),
        ("[capacity]\nslots = " + "9" * 5000 + "\n", "TOML"),
        ("[capacity]\nslots = true\n", "capacity.slots"),
        ("[caps]\nloop_share = inf\n", "caps.loop_share"),
        ("[caps]\nloop_share = nan\n", "caps.loop_share"),
        ("[secrets]\nx = 1\n", "secrets"),
        ("[trust]\nsequence_file = 'x'\n", "sequence_file"),
        ("x = " + "[" * 20000, "nested"),
        ("x" + ".x" * 20000 + " = 1", "nested"),
        ("x = {a" + " = {a" * 5000, "nested"),
        ("[a]\n" * 10000, "TOML"),
        ("\x00", "TOML"),
        ("x" * (64 * 1024 + 1), "65536"),
        ("# " + "\u00e9" * 40000, "65536"),
        (ONE_KEY * 65, "64 entries"),
    ],
)  # fmt: skip
def test_a_hostile_device_file_is_refused_in_one_line(empty: Fleet, text: str, word: str) -> None:
    detail = problem_of(empty.give_profile(text, {}), 400)
    assert word in detail
    assert len(detail) <= 500
    assert good(empty.client().get("/api/profiles"))["profiles"] == []


@pytest.mark.parametrize(
    ("text", "files", "word"),
    [
        (ONE_KEY, {}, "owner.pub is named in trust.keys and not here"),
        (ONE_KEY, {"owner.pub": PUBLIC, "more.pub": PUBLIC}, "more.pub is not named"),
        ("", {"owner.pub": PUBLIC}, "owner.pub is not named"),
        (ONE_KEY, {"owner.pub": ""}, "owner.pub"),
        (ONE_KEY, {"owner.pub": "x"}, "owner.pub"),
        (ONE_KEY, {"owner.pub": PUBLIC + PUBLIC}, "holds 2 keys"),
        (ONE_KEY, {"owner.pub": PUBLIC + " " * 4096}, "key_files"),
        (ONE_KEY, {f"{number}.pub": PUBLIC for number in range(33)}, "key_files"),
        (ONE_KEY, {"owner.pub": P256.public_key().public_bytes(
            pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo).decode()}, "not Ed25519"),
    ],
)  # fmt: skip
def test_key_files_are_public_keys_that_the_device_file_names(
    empty: Fleet, text: str, files: dict[str, str], word: str
) -> None:
    assert word in problem_of(empty.give_profile(text, files), 400)


def test_a_key_in_two_roles_is_refused(fleet: Fleet) -> None:
    text = ONE_KEY + '[[trust.keys]]\nrole = "developer"\nfile = "dev.pub"\n'
    answer = fleet.give_profile(text, {"owner.pub": PUBLIC, "dev.pub": PUBLIC})
    assert "one key has the roles developer and owner" in problem_of(answer, 400)
    both = ONE_KEY + ONE_KEY.replace('"owner"', '"developer"', 1)
    assert "one key has the roles" in problem_of(
        fleet.give_profile(both, {"owner.pub": PUBLIC}), 400
    )


def test_a_profile_may_name_what_decides_nothing(fleet: Fleet) -> None:
    text = device_file(
        '[runtimes]\nwasm = "of-this-device"\n[scheduling]\nslice_ms = 5\n'
        '[[drivers]]\ndriver = "hardware"\nendpoint = 1\n'
    )
    good(fleet.give_profile(text, key_files(KEYS)))
