"""The driver as such: its interface, its options, and what it does without an interpreter."""

import pytest
from support.tinyml.client import make_setup, refused
from support.tinyml.fake_workers import FakeNursery

from tinycontainer.testing import StillContext, check_driver
from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode


@pytest.mark.clause("TC-TML-23")
def test_a_driver_without_an_interpreter_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ValueError, match=r"pip install 'tinycontainer\[tinyml\]'"):
        TinyML(make_setup())
    spare = TinyML(make_setup(required=False))
    with refused(ErrorCode.UNSUPPORTED_OPERATION):
        spare.open(1, StillContext())


def test_the_driver_keeps_the_interface() -> None:
    setup = make_setup()
    check_driver(lambda: TinyML(setup, nursery=FakeNursery()))


def test_a_driver_refuses_options_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"^options\.surprise: "):
        TinyML(make_setup(surprise=1))
