"""The table `agent.registration`: what it takes, and in what words it refuses the rest."""

import pytest

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.registration_table import RegistrationTable
from tinycontainer.files.toml_file import parse_toml

OPEN = "[agent]\ninsecure = true\n"
PEER = '[agent]\n[[agent.peers]]\nname = "gate"\ncontext = "gate"\nrights = ["read"]\n'
BOTH = (
    PEER.replace("[agent]", '[agent]\nidentity = "desk.edhoc"')
    + '[[agent.peers]]\nname = "ed"\ncredential = "ed.ccs"\nrights = ["read"]\n'
)
HERE = 'directory = "coap://[::1]:5700"\n'
NAME = 'name = "desk-1"\n'


def read(agent: str, *lines: str) -> RegistrationTable:
    text = f"{agent}[agent.registration]\n{''.join(lines)}"
    found = parse_toml(text.encode(), DeviceFile, "device.toml").agent.registration
    assert found is not None
    return found


def test_a_table_has_the_defaults_of_its_page() -> None:
    table = read(OPEN, HERE, NAME)
    assert (table.lifetime_s, table.sleep_s, table.awake_s, table.peer) == (300, 0, 10, None)
    assert read(PEER, HERE, NAME, 'peer = "gate"').peer == "gate"
    far = 'directory = "coap://gate.example"\n'
    assert read(PEER, far, NAME, 'peer = "gate"').directory == "coap://gate.example"
    assert read(OPEN, HERE, NAME, "lifetime_s = 22\nsleep_s = 11").sleep_s == 11


@pytest.mark.clause("TC-MGMT-16")
@pytest.mark.parametrize(
    ("agent", "lines", "problem"),
    [
        (OPEN, [NAME], "agent.registration.directory: is missing"),
        (OPEN, [HERE], "agent.registration.name: is missing"),
        (OPEN, ['directory = "coap://[::1]/rd"\n', NAME], "without a path"),
        (OPEN, ['directory = "coaps://[::1]"\n', NAME], "is no gateway such as"),
        (OPEN, ['directory = "coap://[ff02::fe]"\n', NAME], "is no gateway such as"),
        (OPEN, ['directory = "coap://192.0.2.1"\n', NAME], "must be a loopback address"),
        (OPEN, ['directory = "coap://localhost"\n', NAME], "must be a loopback address"),
        (OPEN, [HERE, 'name = "a/b"\n'], "agent.registration.name"),
        (OPEN, [HERE, 'name = ".."\n'], "agent.registration.name"),
        (OPEN, [HERE, f'name = "{64 * "a"}"\n'], "agent.registration.name"),
        (OPEN, [HERE, NAME, 'peer = "gate"'], "leave it out beside insecure"),
        (PEER, [HERE, NAME], "registration.peer: name the peer whose context protects it"),
        (PEER, [HERE, NAME, 'peer = "x"'], "registration.peer: name the peer"),
        (BOTH, [HERE, NAME, 'peer = "ed"'], "ed has a credential; a registration needs a peer"),
        (OPEN, [HERE, NAME, "lifetime_s = 19"], "agent.registration.lifetime_s"),
        (OPEN, [HERE, NAME, "awake_s = 0"], "agent.registration.awake_s"),
        (OPEN, [HERE, NAME, "sleep_s = 86401"], "agent.registration.sleep_s"),
        (OPEN, [HERE, NAME, "lifetime_s = 21\nsleep_s = 11"], "must be more than sleep_s and"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    agent: str, lines: list[str], problem: str
) -> None:
    with pytest.raises(DeviceFileError) as refusal:
        read(agent, *lines)
    assert problem in str(refusal.value)
    assert str(refusal.value).startswith("device.toml: agent")
    assert "\n" not in str(refusal.value)
