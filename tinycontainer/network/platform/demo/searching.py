"""Searches what a platform has heard and keeps for keys, in every form that they can have."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, Final

from sqlalchemy import MetaData, select

from ..database import PlatformDatabase
from ..platform_file import PlatformPlan

_BITS_OF_DIGIT: Final = 6


class HeardRequests:
    """All that comes over HTTP to an application (ASGI) that it is put around.

    Attributes:
        content: targets, header fields and bodies, as they came.
    """

    def __init__(self) -> None:
        self.content = bytearray()

    def wrap(self, application: Callable[..., Any]) -> Callable[..., Any]:
        """The application, with somebody who listens.

        Args:
            application: of ASGI.
        """

        async def listening(scope: Any, receive: Callable[..., Any], send: Any) -> None:
            if scope["type"] != "http":
                await application(scope, receive, send)
                return
            self._note(scope["raw_path"], scope["query_string"])
            for name, value in scope["headers"]:
                self._note(name, value)

            async def receive_heard() -> Any:
                message = await receive()
                self.content.extend(message.get("body", b""))
                return message

            await application(scope, receive_heard, send)

        return listening

    def _note(self, *words: bytes) -> None:
        for word in words:
            self.content.extend(word + b"\n")


def forms_of(key: bytes) -> frozenset[bytes]:
    """Every form in which a key can lie in other bytes, and each of them in base64 once more.

    Args:
        key: raw; PEM is one of its forms in base64.
    """
    digits = key.hex().encode()
    forms = {key, digits, digits.upper(), *_base64_forms(key)}
    return frozenset(forms.union(*map(_base64_forms, forms)))


def find_key(key: bytes, contents: Iterable[bytes]) -> int:
    """In how many contents a key lies, in any form.

    Args:
        key: raw.
        contents: where it may lie.
    """
    forms = forms_of(key)
    return sum(any(form in content for form in forms) for content in contents)


def contents_of(plan: PlatformPlan) -> Iterator[bytes]:
    """All that a platform keeps: the files of its folder, and each value in its database.

    SQLite may break a long value into pieces in its file; so the values are read as such too.

    Args:
        plan: the platform's file.

    Raises:
        OSError: a file cannot be read.
        PlatformDatabaseError: the database cannot be read.
    """
    for path in sorted(plan.directory.rglob("*")):
        if path.is_file():
            yield path.read_bytes()
    with closing(PlatformDatabase(plan.database_url)) as database, database.reading() as session:
        there = MetaData()
        there.reflect(session.connection())
        for table in there.sorted_tables:
            for row in session.execute(select(table)):
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()


def _base64_forms(content: bytes) -> Iterator[bytes]:
    """The digits of a content in base64 that are the same whatever stands before and after it."""
    for before in range(3):
        first = -(-8 * before // _BITS_OF_DIGIT)
        last = 8 * (before + len(content)) // _BITS_OF_DIGIT
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(before) + content)[first:last]
