"""The platform's file: what it may say, and what is refused."""

from pathlib import Path

import pytest

from tinycontainer.errors import DeviceFileError
from tinycontainer.network.platform.demo.joining import platform_toml
from tinycontainer.network.platform.platform_file import read_platform_file

TLS = 'certificate = "tls.crt"\nkey = "tls.key"\n'


def write(directory: Path, content: str) -> Path:
    path = directory / "platform.toml"
    path.write_text(content)
    return path


def test_an_empty_file_serves_this_machine(tmp_path: Path) -> None:
    plan = read_platform_file(write(tmp_path, ""))
    assert plan.web_uri == "http://127.0.0.1:8080"
    assert plan.database_url == f"sqlite:///{tmp_path.resolve() / 'platform.db'}"
    assert plan.content.limits.payload_bytes == 4 << 20
    assert not plan.content.http.has_safe_cookies


def test_a_database_of_postgresql_is_taken_as_it_is(tmp_path: Path) -> None:
    url = "postgresql+psycopg://user@db.example/platform"
    plan = read_platform_file(write(tmp_path, f'[database]\nurl = "{url}"'))
    assert plan.database_url == url


def test_with_a_certificate_it_can_be_served_to_others(tmp_path: Path) -> None:
    plan = read_platform_file(write(tmp_path, f'[http]\nbind = "0.0.0.0:443"\n{TLS}'))
    assert plan.web_uri == "https://0.0.0.0:443"
    assert plan.content.http.has_safe_cookies


@pytest.mark.clause("TC-PLAT-78")
def test_pages_sign_only_if_the_file_says_so(tmp_path: Path) -> None:
    assert not read_platform_file(write(tmp_path, "")).content.http.sign_in_page
    for more in ("", "behind_proxy = true", f'bind = "0.0.0.0:443"\n{TLS}'):
        plan = read_platform_file(write(tmp_path, f"[http]\nsign_in_page = true\n{more}"))
        assert plan.content.http.sign_in_page
    demo = platform_toml(8080, "http://127.0.0.1:8081", "grid", "gateway.token")
    assert read_platform_file(write(tmp_path, demo)).content.http.sign_in_page


PROBLEMS = {
    "syntax": ("[http", "is not TOML"),
    "an unknown table": ("[x]", "x"),
    "an unknown key": ("[http]\nbinds = 1", "http.binds"),
    "an address": ('[http]\nbind = "localhost"', "http.bind"),
    "a port": ('[http]\nbind = "127.0.0.1:0"', "http.bind"),
    "in clear": ('[http]\nbind = "0.0.0.0:80"', "passwords would cross the network in clear"),
    "signing in clear": (
        '[http]\nbind = "0.0.0.0:80"\ninsecure = true\nsign_in_page = true',
        "http.sign_in_page: 0.0.0.0:80 can be reached without TLS",
    ),
    "half of TLS": ('[http]\nkey = "x"', "certificate and key"),
    "around the proxy": ('[http]\nbehind_proxy = true\nbind = "0.0.0.0:80"', "around the proxy"),
    "two ends of TLS": (f"[http]\nbehind_proxy = true\n{TLS}", "behind_proxy"),
    "a file elsewhere": ('[database]\nurl = "sqlite:///../x.db"', "database.url"),
    "an absolute file": ('[database]\nurl = "sqlite:////etc/passwd"', "database.url"),
    "no file": ('[database]\nurl = "sqlite:///"', "database.url"),
    "another driver": ('[database]\nurl = "postgresql://u:s3cret@x/y"', "postgresql+psycopg://"),
    "no time": ("[limits]\nsession_hours = 0", "limits.session_hours"),
    "endless time": ("[limits]\nsession_hours = inf", "limits.session_hours"),
    "too much": ("[limits]\npayload_bytes = 1000000000000", "limits.payload_bytes"),
    "a word": ('[limits]\npeople = "many"', "limits.people"),
}


@pytest.mark.clause("TC-PLAT-78")
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, problem = PROBLEMS[name]
    with pytest.raises(DeviceFileError) as caught:
        read_platform_file(write(tmp_path, content))
    said = str(caught.value)
    assert "platform.toml: " in said
    assert problem in said
    assert "\n" not in said
    assert "s3cret" not in said
