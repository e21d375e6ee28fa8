"""What is remembered of messages: as much as is needed, and no more."""

from types import SimpleNamespace
from typing import Any

import pytest

aiocoap = pytest.importorskip("aiocoap")


class Manager:
    """Stands for the library's manager of messages."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.sent: list[Any] = []
        self.loop = SimpleNamespace(time=lambda: self.now_s)

    def _send_initially(self, message: Any) -> None:
        self.sent.append(message)

    _recent_messages: Any = None
    _deduplicate_message: Any = None


def message(mid: int, remote: str = "a", *, confirmable: bool = True) -> Any:
    tuning = SimpleNamespace(EXCHANGE_LIFETIME=247)
    mtype = aiocoap.CON if confirmable else aiocoap.NON
    return SimpleNamespace(remote=remote, mid=mid, mtype=mtype, transport_tuning=tuning)


@pytest.fixture
def manager() -> Manager:
    from tinycontainer.interfaces.network.recent_messages import (  # noqa: PLC0415 - an optional part
        bound_recent_messages,
    )

    made = Manager()
    oscore = SimpleNamespace()
    interfaces = [SimpleNamespace(token_interface=made), oscore]
    bound_recent_messages(SimpleNamespace(request_interfaces=interfaces))
    return made


def test_a_repeated_message_is_answered_as_before(manager: Manager) -> None:
    is_known = manager._deduplicate_message
    assert not is_known(message(1))
    assert is_known(message(1))  # no answer yet
    manager._recent_messages["a", 1] = "answer"
    assert is_known(message(1))
    assert is_known(message(1, confirmable=False))
    assert manager.sent == ["answer"]
    assert not is_known(message(1, "b"))


def test_a_number_is_free_again_after_the_lifetime_of_an_exchange(manager: Manager) -> None:
    is_known = manager._deduplicate_message
    is_known(message(1))
    manager.now_s = 246
    assert is_known(message(1))
    manager.now_s = 247
    assert not is_known(message(1))
    manager.now_s = 300
    assert is_known(message(1))


def test_the_newest_are_kept_of_more_than_can_be(manager: Manager) -> None:
    is_known = manager._deduplicate_message
    for mid in range(10_000):
        assert not is_known(message(mid))
    assert len(manager._recent_messages) == 2048
    assert is_known(message(9_999))
    assert not is_known(message(0))
