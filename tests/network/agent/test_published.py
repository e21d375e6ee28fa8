"""Version 1, row by row as published."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from support.agents import Managed, option
from support.worlds import blueprint, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Method, Option, to_uint

PLAN = blueprint("a", security=times(period=10))
LOAD, START, IS_RUNNING, STOP, DELETE = range(1, 6)
METHODS = {
    LOAD: Method.POST,
    START: Method.PUT,
    IS_RUNNING: Method.GET,
    STOP: Method.PUT,
    DELETE: Method.DELETE,
}


@pytest.fixture
def managed() -> Managed:
    return Managed()


A = {Option.UID: b"a"}


def manage(
    managed: Managed,
    action: int,
    parts: Mapping[Option, bytes] = MappingProxyType({}),
    method: Method | None = None,
) -> CoapAnswer:
    options = {Option.ACTION: to_uint(action), **parts}
    return managed.ask(method or METHODS[action], "/container/", options=options)


def sections(managed: Managed) -> dict[Option, bytes]:
    bundle = managed.world.pack(PLAN)
    return {
        Option.METADATA: bundle.metadata,
        Option.DATA: bundle.data,
        Option.CODE: bundle.code,
    }


@pytest.mark.clause("TC-MGMT-07")
def test_a_container_is_loaded_started_looked_at_stopped_and_deleted(managed: Managed) -> None:
    def is_running() -> bytes | None:
        answer = manage(managed, IS_RUNNING, A)
        assert (answer.code.dotted, answer.payload) == ("2.05", b"")
        return option(answer, Option.STATUS)

    assert is_running() == b""
    assert manage(managed, LOAD, sections(managed)) == CoapAnswer(Code.CREATED)
    assert is_running() == b""
    assert manage(managed, START, A) == CoapAnswer(Code.CHANGED)
    assert is_running() == b"\1"
    managed.device.run(for_ms=25)
    assert manage(managed, STOP, A) == CoapAnswer(Code.CHANGED)
    managed.device.run(for_ms=25)
    assert is_running() == b""
    assert managed.device["a"].state is State.READY
    assert manage(managed, DELETE, A) == CoapAnswer(Code.DELETED)
    assert "a" not in managed.device


@pytest.mark.clause("TC-MGMT-07")
@pytest.mark.parametrize("action", [START, STOP, DELETE])
def test_what_the_device_refuses_is_an_internal_error(managed: Managed, action: int) -> None:
    assert manage(managed, action, A).code is Code.INTERNAL_ERROR


@pytest.mark.clause("TC-MGMT-07")
def test_a_load_that_is_refused_is_an_internal_error_and_changes_nothing(managed: Managed) -> None:
    parts = sections(managed)
    assert manage(managed, LOAD, {**parts, Option.CODE: b"other"}).code is Code.INTERNAL_ERROR
    assert len(managed.device) == 0
    assert manage(managed, LOAD, parts).code is Code.CREATED
    assert manage(managed, LOAD, parts).code is Code.INTERNAL_ERROR


@pytest.mark.clause("TC-MGMT-07")
@pytest.mark.parametrize("missing", [Option.METADATA, Option.DATA, Option.CODE])
def test_a_load_without_one_of_its_parts_is_a_bad_option(managed: Managed, missing: Option) -> None:
    parts = {name: part for name, part in sections(managed).items() if name != missing}
    assert manage(managed, LOAD, parts).code is Code.BAD_OPTION


@pytest.mark.clause("TC-MGMT-07")
@pytest.mark.parametrize("action", [START, IS_RUNNING, STOP, DELETE])
def test_a_missing_uid_is_a_bad_option(managed: Managed, action: int) -> None:
    assert manage(managed, action).code is Code.BAD_OPTION


@pytest.mark.clause("TC-MGMT-07")
@pytest.mark.parametrize("action", METHODS)
@pytest.mark.parametrize("method", Method)
def test_the_method_of_another_action_is_not_allowed_whatever_else_is_there(
    managed: Managed, action: int, method: Method
) -> None:
    if method is not METHODS[action]:
        assert manage(managed, action, method=method).code is Code.METHOD_NOT_ALLOWED


@pytest.mark.clause("TC-MGMT-07")
@pytest.mark.parametrize("value", [b"", b"\0", b"\6", b"\xff" * 8])
@pytest.mark.parametrize("method", Method)
def test_the_action_is_judged_before_the_method(
    managed: Managed, value: bytes, method: Method
) -> None:
    for options in ({}, {Option.ACTION: value}):
        assert managed.ask(method, "/container/", options=options).code is Code.BAD_OPTION


@pytest.mark.clause("TC-MGMT-02", "TC-MGMT-07")
@pytest.mark.parametrize("twice", [Option.ACTION, Option.UID, Option.DATA])
def test_an_option_that_is_there_twice_is_a_bad_option(managed: Managed, twice: Option) -> None:
    options = {Option.ACTION: to_uint(START), Option.UID: b"a", Option.DATA: b"d"}
    again = ((int(twice), options[twice]),)
    answer = managed.ask(Method.PUT, "/container/", options=options, more=again)
    assert answer.code is Code.BAD_OPTION


@pytest.mark.clause("TC-MGMT-08")
def test_the_identifier_is_set_once_it_is_good_and_kept_in_the_state(managed: Managed) -> None:
    def get() -> CoapAnswer:
        return managed.ask(Method.GET, "/device-id/")

    def post(content: bytes) -> CoapAnswer:
        return managed.ask(Method.POST, "/device-id/", content)

    assert get().code is Code.NOT_FOUND
    assert post(b"").code is Code.BAD_REQUEST
    refused = post(bytes(65))
    assert (refused.code, option(refused, Option.SIZE1)) == (Code.TOO_LARGE, b"\x40")
    assert get().code is Code.NOT_FOUND
    assert post(b"\xff" * 64).code is Code.CHANGED
    assert post(b"box").code is Code.CHANGED
    assert (get().payload, get().format) == (b"box", 42)
    assert Managed(state=managed.state).ask(Method.GET, "/device-id/").payload == b"box"
    assert managed.ask(Method.PUT, "/device-id/", b"x").code is Code.METHOD_NOT_ALLOWED


@pytest.mark.clause("TC-MGMT-08")
def test_an_identifier_of_the_device_file_cannot_be_changed() -> None:
    managed = Managed(fixed_id=b"fixed")
    assert managed.ask(Method.POST, "/device-id/", b"other").code is Code.FORBIDDEN
    assert managed.ask(Method.GET, "/device-id/").payload == b"fixed"
