"""The rules of a device for updates, from its device file and the keys that it names."""

from pathlib import Path

import pytest
from support.errors import catch_error
from support.worlds import KEYS

from tinycontainer import DeviceFileError, Installation, VirtualClock
from tinycontainer.assembly import make_setup, read_plan, read_trust, read_update_rules
from tinycontainer.suit.keys.key_files import to_private_pem, to_public_pem
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer.suit.rules import UpdateRules, derive_identity
from tinycontainer_tokens import Algorithm, KeyMaterial, Role, cbor, key_files

ES256, ESP256 = UpdateAlgorithm.ES256, UpdateAlgorithm.ESP256
EDDSA, ED25519 = UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519
OPERATOR = UpdateKey.from_private(ES256, b"\1" * 32)
HMAC_KEY = KeyMaterial(Algorithm.HMAC_256, b"", bytes(32))
OTHER = UpdateKey.from_private(EDDSA, b"\2" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A device file beside two update keys and a key of tokens; the file is written by `read`."""
    (tmp_path / "operator.pub").write_bytes(to_public_pem(OPERATOR))
    (tmp_path / "other.pub").write_bytes(to_public_pem(OTHER))
    (tmp_path / "owner.pub").write_bytes(key_files.to_public_pem(KEYS[Role.OWNER]))
    return tmp_path / "device.toml"


def read(path: Path, text: str) -> UpdateRules:
    path.write_text(text)
    plan = read_plan(path)
    return read_update_rules(plan, read_trust(plan))


def key(file: str, more: str = "") -> str:
    return f'[[update.keys]]\nfile = "{file}"\n{more}\n'


def problem_of(path: Path, text: str) -> str:
    return str(catch_error(DeviceFileError, read, path, text)).removeprefix(f"{path}: ")


@pytest.mark.clause("TC-UPD-10")
def test_a_file_with_everything_gives_the_rules(path: Path) -> None:
    rules = read(
        path,
        '[device]\nid = "box-1"\n[update]\nvendor = "example.com"\nclass = "drone"\n'
        'fetch = ["coap://[2001:DB8::7]", "coap://a.example:1"]\n'
        + key("operator.pub", 'uids = ["a", "hex:00ff"]')
        + key("other.pub"),
    )
    assert rules.identity == derive_identity("example.com", "drone", "box-1")
    assert rules.origins == ("coap://[2001:db8::7]:5683", "coap://a.example:1")
    one, two = rules.keys
    assert (one.key, one.uids) == (OPERATOR.public_half(), frozenset({b"a", b"\0\xff"}))
    assert (two.key, two.uids) == (OTHER.public_half(), None)


@pytest.mark.clause("TC-UPD-10")
def test_without_names_of_its_own_a_device_has_those_of_its_board(path: Path) -> None:
    rules = read(path, '[device]\nvendor = "maker.example"\nname = "box"\n' + key("operator.pub"))
    assert rules.identity == derive_identity("maker.example", "box")
    assert rules.origins == ()
    rules = read(path, "")
    assert (rules.identity, len(rules.keys)) == (derive_identity("tinycontainer", "desk"), 0)


@pytest.mark.clause("TC-UPD-07")
def test_the_algorithm_of_the_file_leaves_no_other(path: Path) -> None:
    keys = read(path, key("operator.pub", 'algorithm = "ESP256"')).keys
    assert keys.candidates(ES256, None) == ()
    assert len(keys.candidates(ESP256, None)) == 1
    keys = read(path, key("operator.pub")).keys
    assert len(keys.candidates(ES256, None)) == len(keys.candidates(ESP256, None)) == 1


@pytest.mark.clause("TC-UPD-07")
def test_an_algorithm_that_the_key_is_not_for_is_refused(path: Path) -> None:
    text = key("operator.pub") + key("other.pub", 'algorithm = "ES256"')
    assert problem_of(path, text) == (
        "update.keys[1].algorithm: other.pub: this key is for EdDSA or Ed25519, not for ES256"
    )
    fixed = cbor.encode({1: 2, 3: -7, -1: 1, -2: OPERATOR.public[1:33], -3: OPERATOR.public[33:]})
    path.with_name("fixed.cose").write_bytes(fixed)
    assert problem_of(path, key("fixed.cose", 'algorithm = "ESP256"')) == (
        "update.keys[0].algorithm: fixed.cose: this key is for ES256, not for ESP256"
    )


@pytest.mark.clause("TC-UPD-07")
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"nothing", "x: neither PEM nor a COSE_Key in strict CBOR"),
        (to_private_pem(OPERATOR, b"secret"), "x: the private key is encrypted; give"),
        (key_files.to_cose_key(HMAC_KEY), "x: the COSE_Key is symmetric (HMAC)"),
        (
            key_files.to_cose_key(KeyMaterial.from_private(b"\3" * 32)).replace(
                b"\xa4\x01\x01", b"\xa5\x01\x01\x04\x81\x01"
            ),
            "x: key_ops (label 4) of the COSE_Key does not allow to verify with it",
        ),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_at_its_place(
    path: Path, content: bytes, problem: str
) -> None:
    path.with_name("x").write_bytes(content)
    assert problem_of(path, key("operator.pub") + key("x")).startswith(
        f"update.keys[1].file: {problem}"
    )


def test_a_key_file_lies_in_the_directory_and_is_bounded(path: Path) -> None:
    assert problem_of(path, key("../x.pub")).startswith(
        "update.keys[0].file: ../x.pub lies outside"
    )
    path.with_name("long").write_bytes(bytes(4097))
    assert "has more than 4096 bytes" in problem_of(path, key("long"))
    assert "cannot be read" in problem_of(path, key("missing"))


@pytest.mark.clause("TC-UPD-07")
def test_one_key_is_not_named_twice(path: Path) -> None:
    text = key("operator.pub", 'uids = ["a"]') + key("operator.pub", 'uids = ["b"]')
    assert problem_of(path, text) == (
        "update.keys: keys 0 and 1 are one key; name it once, with all its uids"
    )


@pytest.mark.clause("TC-UPD-07")
def test_no_key_of_tokens_is_also_one_of_updates(path: Path) -> None:
    trust = '[[trust.keys]]\nrole = "owner"\nfile = "owner.pub"\n'
    assert problem_of(path, trust + key("owner.pub")) == (
        "update.keys: one key is for updates and for tokens of the role owner; give each its own"
    )
    assert len(read(path, trust + key("operator.pub")).keys) == 1


@pytest.mark.clause("TC-UPD-07")
def test_a_device_whose_update_keys_cannot_be_used_does_not_begin(path: Path) -> None:
    path.write_text(key("owner.gone"))
    with Installation() as installation:
        plan = read_plan(path, installation.files)
        with pytest.raises(DeviceFileError, match=r"owner\.gone: cannot be read"):
            make_setup(plan, VirtualClock(), installation)
