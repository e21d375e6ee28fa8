"""The table `update` of a device file: what it holds, and mistakes that it refuses."""

import json

import pytest
from support.errors import catch_error

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import parse_toml
from tinycontainer.files.update_table import UpdateTable
from tinycontainer.suit.keys.keys import UpdateAlgorithm

KEY = '[[update.keys]]\nfile = "operator.pub"\n'
UUID = "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe"


def read(lines: str, key: str = KEY) -> UpdateTable:
    return parse_toml(f"[update]\n{lines}\n{key}".encode(), DeviceFile, "device.toml").update


def problem_of(lines: str, key: str = KEY) -> str:
    return str(catch_error(DeviceFileError, read, lines, key)).removeprefix("device.toml: ")


def test_a_table_with_everything_is_read() -> None:
    table = read(
        'vendor = "example.com"\nclass = "desk"\nfetch = ["coap://[::1]", "coap://a.example:1"]',
        KEY + 'algorithm = "ESP256"\nuids = ["courier", "hex:00ff"]\n',
    )
    assert (table.vendor, table.class_name) == ("example.com", "desk")
    assert table.fetch == ["coap://[::1]", "coap://a.example:1"]
    (key,) = table.keys
    assert (key.file, key.algorithm, key.uids) == (
        "operator.pub",
        UpdateAlgorithm.ESP256,
        ["courier", "hex:00ff"],
    )


def test_a_file_without_the_table_takes_no_updates() -> None:
    assert parse_toml(b"", DeviceFile, "x").update.keys == []
    assert read("", "").keys == []


def test_the_schema_names_the_key_class() -> None:
    properties = UpdateTable.model_json_schema()["properties"]
    assert list(properties) == ["vendor", "class", "fetch", "keys"]
    assert "class_name" not in json.dumps(properties)


@pytest.mark.parametrize("lines", ['vendor = "example.com"', 'class = "desk"', "fetch = []"])
def test_a_table_without_a_key_has_no_effect_and_is_refused(lines: str) -> None:
    for keys in ("", "keys = []"):
        problem = "update: without [[update.keys]] no update is taken; name a key"
        assert problem_of(f"{lines}\n{keys}", "") == problem


@pytest.mark.parametrize(
    "vendor", ["example.com", "a.b.example", "x-1.example", UUID, UUID.upper()]
)
def test_a_vendor_is_a_domain_or_a_uuid(vendor: str) -> None:
    assert read(f'vendor = "{vendor}"').vendor == vendor


@pytest.mark.parametrize(
    "vendor",
    [
        "Example.com",
        "example",
        "https://example.com",
        "example.com.",
        ".example.com",
        "-a.example",
        "a b.example",
        f"{'a' * 64}.example",
        UUID[1:],
        UUID.replace("-", ""),
        f"{{{UUID}}}",
        f"urn:uuid:{UUID}",
        "b\u00fccher.example",
    ],
)
def test_another_name_of_a_vendor_is_refused(vendor: str) -> None:
    assert "is neither a domain name in small letters" in problem_of(f'vendor = "{vendor}"')


@pytest.mark.parametrize("name", ["desk", "Drone Box 2", "a" * 253, UUID])
def test_a_class_is_any_text_or_a_uuid(name: str) -> None:
    assert read(f'class = "{name}"').class_name == name


@pytest.mark.parametrize(
    "name", [UUID[1:], UUID.replace("-", ""), f"{{{UUID}}}", f"URN:UUID:{UUID}"]
)
def test_what_was_meant_as_the_uuid_of_a_class_is_refused(name: str) -> None:
    assert "update.class: " in problem_of(f'class = "{name}"')
    assert "looks like a UUID, and is none" in problem_of(f'class = "{name}"')


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ('class = ""', "update.class: "),
        (f'class = "{"a" * 254}"', "update.class: "),
        ('vendor = ""', "update.vendor: "),
        ("vendor = 1", "update.vendor: "),
        (
            'class_name = "desk"',
            "update.class_name: this key is not known here; did you mean class?",
        ),
        ('clas = "desk"', "update.clas: this key is not known here; did you mean class?"),
        ('fetch = "coap://[::1]"', "update.fetch: "),
        (
            'fetch = ["coap://[::1]", "coap://[::1]:5683"]',
            "update.fetch: one server is there twice",
        ),
        ('fetch = ["coap://a.example", "coap://A.example"]', "update.fetch: one server is"),
        (f"fetch = {[f'coap://[::{n}]' for n in range(1, 18)]}", "update.fetch: "),
    ],
)
def test_a_mistake_is_refused_at_its_place(lines: str, place: str) -> None:
    assert problem_of(lines).startswith(place)


def test_sixteen_servers_are_taken() -> None:
    servers = [f"coap://[::{number}]" for number in range(1, 17)]
    assert read(f"fetch = {servers}").fetch == servers


@pytest.mark.parametrize(
    "server",
    [
        "",
        "coap://",
        "[::1]",
        "coap://[::1]/",
        "coap://[::1]/a",
        "coap://[::1]?",
        "coap://[::1]#",
        "coap://[::1]/?a",
        "coap://me@[::1]",
        "coaps://[::1]",
        "http://[::1]",
        "coap+tcp://[::1]",
        "coap://[::1]:0",
        " coap://[::1]",
        "coap://[::1]\\n",
        "coap://*",
    ],
)
def test_what_is_no_server_of_coap_is_refused(server: str) -> None:
    problem = problem_of(f'fetch = ["coap://[::2]", "{server}"]')
    assert problem.startswith("update.fetch[1]: ")
    assert "is no server such as coap://[2001:db8::7]:5683, without a path" in problem


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("", "update.keys[1].file: is missing"),
        ('file = "a"\nuids = []', "update.keys[1].uids: "),
        ('file = "a"\nuids = [""]', "update.keys[1].uids[0]: a uid has 1 to 63 bytes, not 0"),
        ('file = "a"\nalgorithm = "HMAC-256"', "update.keys[1].algorithm: "),
        ('file = "a"\nalgorithm = -7', "update.keys[1].algorithm: "),
        ('file = "a"\nrole = "owner"', "update.keys[1].role: this key is not known here"),
    ],
)
def test_a_wrong_key_table_is_refused_at_its_place(lines: str, place: str) -> None:
    assert problem_of("", f"{KEY}[[update.keys]]\n{lines}\n").startswith(place)
