"""What the resources over HTTP work on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from ..actor import Actor
from ..changes import ChangeWatch
from ..database import PlatformDatabase
from ..metrics import PlatformMetrics
from ..people.identifying import require_still_allowed
from ..people.log_ins import LogInLimiter
from ..people.passwords import Passwords
from ..platform_file import PlatformLimits
from ..rates import SharedRates
from ..rollouts.watching import WatchedDevices


@dataclass(frozen=True, slots=True)
class PlatformParts:
    """What the resources work on.

    Attributes:
        database: what the platform remembers.
        limits: of the platform's file.
        passwords: hashes and checks them.
        log_ins: bounds how often somebody may try.
        rates: bounds how often each person may ask.
        metrics: counts requests.
        changes: says when the database has changed.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
        gateways: the organisation of each gateway, by their names.
        watched: devices that somebody looks at just now.
        has_safe_cookies: whether browsers come over TLS only.
        is_behind_proxy: whether the address of a client is the one that a proxy says.
        signs_in_page: whether pages offer to sign.
    """

    database: PlatformDatabase
    limits: PlatformLimits
    passwords: Passwords
    log_ins: LogInLimiter
    rates: SharedRates
    metrics: PlatformMetrics
    changes: ChangeWatch
    now_s: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    gateways: Mapping[str, str]
    watched: WatchedDevices = field(default_factory=WatchedDevices)
    has_safe_cookies: bool = False
    is_behind_proxy: bool = False
    signs_in_page: bool = False

    @contextmanager
    def changing(self, actor: Actor) -> Iterator[Session]:
        """A transaction that writes, for somebody who may still do what the request needs.

        Raises:
            PlatformRefused: this one was disabled, or may do less, since the request has begun.
            PlatformDatabaseError: the database cannot be used.
        """
        with self.database.transaction() as session:
            require_still_allowed(session, actor)
            yield session
