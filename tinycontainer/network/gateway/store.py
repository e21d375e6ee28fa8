"""What a gateway remembers: one SQLite file, owned by one gateway at a time.

A job is on the disk before its client gets to know of it, and its end before anybody sees it.
Renewals of registrations are written together, once a second: they are lost with no harm.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cbor2

from tinycontainer.state.database import Database, StateFileError
from tinycontainer.state.ownership import Ownership

from ..agent.requests.message import CoapAnswer, CoapRequest
from .directory.registrations import Registration
from .job import Job, JobEvent, JobState
from .stored_messages import decode_answer, decode_request, encode_answer, encode_request

APPLICATION_ID: Final = 0x54436777
"""Marks a file of a gateway ("TCgw")."""
WRITE_S: Final = 1.0
"""How long a renewal waits for others before it is written."""
USED_AGAIN_S: Final = 60.0
"""That a blob was used is written once in so many seconds."""
OVERDUE_AT_ONCE: Final = 32
ROW_BYTES: Final = 512
"""What a blob counts beside its content: else there could be any number of empty ones."""
_OLDEST_BLOB: Final = (
    "SELECT sha256, length(content) FROM blob WHERE sha256 != ? ORDER BY used_s LIMIT 1"
)
_MIGRATIONS: Final = (
    (
        """
        CREATE TABLE registration (
            name TEXT NOT NULL PRIMARY KEY,
            sector TEXT NOT NULL,
            identity TEXT NOT NULL,
            location TEXT NOT NULL UNIQUE,
            base TEXT NOT NULL,
            is_base_given INTEGER NOT NULL,
            lifetime_s INTEGER NOT NULL,
            renewed_s REAL NOT NULL,
            sleep_s INTEGER NOT NULL,
            awake_s INTEGER NOT NULL,
            attributes TEXT NOT NULL,
            links TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE job (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            device TEXT NOT NULL,
            owner TEXT NOT NULL,
            state TEXT NOT NULL,
            is_open INTEGER NOT NULL,
            created_s REAL NOT NULL,
            deadline_s REAL NOT NULL,
            ended_s REAL NOT NULL,
            attempts INTEGER NOT NULL,
            request BLOB NOT NULL,
            answer BLOB,
            payload BLOB NOT NULL,
            content BLOB NOT NULL
        )
        """,
        "CREATE INDEX job_of_device ON job (device, is_open, number)",
        "CREATE INDEX job_of_owner ON job (device, owner, number)",
        "CREATE INDEX job_of_state ON job (state, ended_s)",
        "CREATE INDEX job_by_deadline ON job (deadline_s) WHERE is_open = 1",
        """
        CREATE TABLE blob (
            sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
            content BLOB NOT NULL,
            used_s REAL NOT NULL
        )
        """,
        "CREATE INDEX blob_by_use ON blob (used_s)",
    ),
)


_ATTEMPTS: Final = {JobEvent.SEND: 1, JobEvent.NOT_SENT: -1}


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that is to be kept; its fields are those of `Job`."""

    id: str
    device: str
    owner: str
    request: CoapRequest
    created_s: float
    deadline_s: float


class GatewayStore:
    """The file of a gateway.

    Args:
        path: where it lies; it is made if it is not there.
        later: calls something after so many seconds.

    Raises:
        StateFileError: it cannot be used, or another gateway uses it.
    """

    def __init__(self, path: Path, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._database = Database(
            path,
            _rows_are_sound,
            _MIGRATIONS,
            ownership=Ownership.SOLE,
            application_id=APPLICATION_ID,
            owner="gateway",
        )
        self._later = later
        self._blob_bytes: int | None = None
        self._renewed: dict[str, Registration] = {}
        self._kept: dict[str, Registration] = {}
        with self._database.transaction():
            pass  # the file is there from now on

    def close(self) -> None:
        """Write what is left, and let the file go."""
        self._write_renewals()
        self._database.close()

    # Registrations: a `RegistrationStore`.

    def registrations(self) -> list[Registration]:
        """All that were kept."""
        rows = self._database.read("SELECT * FROM registration")
        found = [_read_registration(row) for row in rows]
        self._kept = {each.name: each for each in found}
        return found

    def keep_registration(self, registration: Registration) -> None:
        """Keep a registration in place of one of the same name, or instead of none."""
        before = self._kept.get(registration.name)
        if before is not None and replace(before, renewed_s=registration.renewed_s) == registration:
            if not self._renewed:
                self._later(WRITE_S, self._write_renewals)
            self._renewed[registration.name] = self._kept[registration.name] = registration
            return
        with self._database.transaction() as connection:
            _write_registration(connection, registration)
        self._renewed.pop(registration.name, None)
        self._kept[registration.name] = registration

    def forget_registration(self, name: str, _sector: str) -> None:
        """Forget a registration; there is one of each name."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM registration WHERE name = ?", (name,))
        self._kept.pop(name, None)
        self._renewed.pop(name, None)

    def _write_renewals(self) -> None:
        renewed, self._renewed = self._renewed, {}
        if not renewed:
            return
        # Nobody waits for this. What cannot be written is lost, as after a kill.
        with suppress(StateFileError), self._database.transaction() as connection:
            connection.executemany(
                "UPDATE registration SET renewed_s = ? WHERE name = ?",
                [(each.renewed_s, each.name) for each in renewed.values()],
            )

    # Jobs.

    def add_job(self, new: NewJob) -> Job:
        """Keep a job, which waits from now on."""
        request = new.request
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO job (id, device, owner, state, is_open, created_s, deadline_s,"
                " ended_s, attempts, request, payload, content)"
                " VALUES (?, ?, ?, ?, 1, ?, ?, 0, 0, ?, ?, x'')",
                (
                    new.id, new.device, new.owner, JobState.QUEUED, new.created_s, new.deadline_s,
                    encode_request(request), request.payload,
                ),
            )  # fmt: skip
            number = cursor.lastrowid or 0
        return Job(
            number, new.id, new.device, new.owner, request, JobState.QUEUED, new.created_s,
            new.deadline_s,
        )  # fmt: skip

    def change_job(
        self, job: Job, event: JobEvent, now_s: float, answer: CoapAnswer | None = None
    ) -> Job:
        """Let an event happen to a job.

        Args:
            job: as it is now.
            event: what happens.
            now_s: Unix time.
            answer: of the device, with the events `JobEvent.ANSWER` and `JobEvent.CHALLENGE`.

        Raises:
            IllegalJobEvent: it cannot happen now.
        """
        state = job.state_after(event)
        after = replace(
            job,
            state=state,
            ended_s=now_s if state.has_ended else 0.0,
            attempts=job.attempts + _ATTEMPTS.get(event, 0),
            answer=answer,
        )
        row = None if answer is None else encode_answer(answer)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE job SET state = ?, ended_s = ?, attempts = ?, answer = ?, content = ?,"
                " is_open = ?, payload = CASE WHEN ? THEN x'' ELSE payload END WHERE number = ?",
                (
                    state, after.ended_s, after.attempts, row,
                    b"" if answer is None else answer.payload, not state.has_ended,
                    state.has_ended, job.number,
                ),
            )  # fmt: skip
        return after

    def find_job(self, job_id: str) -> Job | None:
        """A job; None if it is not known, or not any more."""
        return next(iter(self._jobs("SELECT * FROM job WHERE id = ?", job_id)), None)

    def next_job(self, device: str) -> Job | None:
        """The job of a device that is to be delivered next; None if none waits."""
        query = "SELECT * FROM job WHERE device = ? AND is_open = 1 ORDER BY number LIMIT 1"
        return next(iter(self._jobs(query, device)), None)

    def jobs_of(self, device: str, owner: str, most: int) -> list[Job]:
        """The newest jobs that somebody has for a device, the newest first.

        All payloads are left out: together they could be longer than the memory.
        """
        query = (
            "SELECT number, id, device, owner, state, is_open, created_s, deadline_s, ended_s,"
            " attempts, request, answer, x'', x'' FROM job WHERE device = ? AND owner = ?"
            " ORDER BY number DESC LIMIT ?"
        )
        return self._jobs(query, device, owner, most)

    def waiting(self) -> dict[str, int]:
        """How many jobs wait for each device that any waits for."""
        query = "SELECT device, count(*) FROM job WHERE is_open = 1 GROUP BY device"
        return dict(self._database.read(query))

    def waiting_bytes(self) -> int:
        """How many bytes of payload wait, of all jobs together."""
        query = "SELECT coalesce(sum(length(payload)), 0) FROM job WHERE is_open = 1"
        return int(self._database.read(query)[0][0])

    def sent_jobs(self) -> list[Job]:
        """Jobs that were sent and not answered when the program ended."""
        return self._jobs("SELECT * FROM job WHERE state = ?", JobState.SENDING)

    def open_ids(self) -> list[str]:
        """The ids of all jobs that wait, the oldest first."""
        query = "SELECT id FROM job WHERE is_open = 1 ORDER BY number"
        return [str(row[0]) for row in self._database.read(query)]

    def overdue_jobs(self, now_s: float) -> list[Job]:
        """Some jobs that wait, and whose deadline is over: not more than fit into the memory."""
        query = "SELECT * FROM job WHERE is_open = 1 AND state = ? AND deadline_s <= ? LIMIT ?"
        return self._jobs(query, JobState.QUEUED, now_s, OVERDUE_AT_ONCE)

    def count_jobs(self) -> dict[str, int]:
        """How many jobs are in each state that any is in."""
        return dict(self._database.read("SELECT state, count(*) FROM job GROUP BY state"))

    def forget_jobs(self, ended_before_s: float, most: int) -> None:
        """Forget jobs that ended before a Unix time, and ended ones beyond a number.

        Of these, the oldest go of whoever has most: nobody can make those of others go.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM job WHERE is_open = 0 AND (ended_s < ? OR number IN (SELECT number"
                " FROM (SELECT number, row_number() OVER (PARTITION BY owner ORDER BY number DESC)"
                " AS rank FROM job WHERE is_open = 0 ORDER BY rank, number DESC"
                " LIMIT -1 OFFSET ?)))",
                (ended_before_s, most),
            )

    def _jobs(self, query: str, *values: object) -> list[Job]:
        return [_read_job(row) for row in self._database.read(query, values)]

    # Blobs.

    def blob(self, sha256: bytes, now_s: float) -> bytes | None:
        """A blob, which counts as used; None if it is not here."""
        rows = self._database.read("SELECT content, used_s FROM blob WHERE sha256 = ?", (sha256,))
        if not rows:
            return None
        content, used_s = rows[0]
        if now_s - used_s >= USED_AGAIN_S:
            with self._database.transaction() as connection:
                connection.execute("UPDATE blob SET used_s = ? WHERE sha256 = ?", (now_s, sha256))
        return bytes(content)

    def keep_blob(self, sha256: bytes, content: bytes, now_s: float, most_bytes: int) -> None:
        """Keep a blob; those that were used longest ago make room for it.

        Args:
            sha256: of the content; the caller has checked it.
            content: at most ``most_bytes``.
            now_s: Unix time.
            most_bytes: of all blobs together.
        """
        with self._database.transaction() as connection:
            total = self._count_blob_bytes(connection, sha256) + len(content) + ROW_BYTES
            while total > most_bytes:
                oldest = connection.execute(_OLDEST_BLOB, (sha256,)).fetchone()
                if oldest is None:
                    break
                connection.execute("DELETE FROM blob WHERE sha256 = ?", oldest[:1])
                total -= oldest[1] + ROW_BYTES
            connection.execute(
                "INSERT OR REPLACE INTO blob VALUES (?, ?, ?)", (sha256, content, now_s)
            )
        self._blob_bytes = total

    def _count_blob_bytes(self, connection: sqlite3.Connection, without: bytes) -> int:
        """The bytes of all blobs but one; all of them are read once only."""
        if self._blob_bytes is None:
            query = "SELECT coalesce(sum(length(content)), 0), count(*) FROM blob"
            bytes_, count = connection.execute(query).fetchone()
            self._blob_bytes = bytes_ + count * ROW_BYTES
        query = "SELECT length(content) FROM blob WHERE sha256 = ?"
        found = connection.execute(query, (without,)).fetchone()
        return self._blob_bytes - (0 if found is None else found[0] + ROW_BYTES)


def _rows_are_sound(connection: sqlite3.Connection) -> bool:
    """Whether each registration and each job can be read; payloads are any bytes."""
    try:
        for row in connection.execute("SELECT * FROM registration"):
            _read_registration(row)
        for row in connection.execute(
            "SELECT number, id, device, owner, state, is_open, created_s, deadline_s, ended_s,"
            " attempts, request, answer, x'', x'' FROM job"
        ):
            _read_job(row)
    except (ValueError, TypeError, cbor2.CBORDecodeError):
        return False
    return True


def _write_registration(connection: sqlite3.Connection, each: Registration) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO registration VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            each.name, each.sector, each.identity, each.location, each.base, each.is_base_given,
            each.lifetime_s, each.renewed_s, each.sleep_s, each.awake_s,
            json.dumps(each.attributes), each.links,
        ),
    )  # fmt: skip


def _read_registration(row: tuple[Any, ...]) -> Registration:
    *values, attributes, links = row
    name, sector, identity, location, base, is_base_given, lifetime_s, renewed_s, *sleeping = values
    return Registration(
        name=name,
        sector=sector,
        identity=identity,
        location=location,
        base=base,
        is_base_given=bool(is_base_given),
        lifetime_s=lifetime_s,
        renewed_s=renewed_s,
        sleep_s=sleeping[0],
        awake_s=sleeping[1],
        attributes=tuple((key, value) for key, value in json.loads(attributes)),
        links=links,
    )


def _read_job(row: tuple[Any, ...]) -> Job:
    number, job_id, device, owner, state, _is_open, *times, request, answer, payload, content = row
    created_s, deadline_s, ended_s, attempts = times
    return Job(
        number=number,
        id=job_id,
        device=device,
        owner=owner,
        request=decode_request(request, payload),
        state=JobState(state),
        created_s=created_s,
        deadline_s=deadline_s,
        ended_s=ended_s,
        attempts=attempts,
        answer=None if answer is None else decode_answer(answer, content),
    )
