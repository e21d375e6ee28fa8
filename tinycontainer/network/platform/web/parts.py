"""What the resources over HTTP work on."""

from collections.abc import Callable
from dataclasses import dataclass

from ..database import Database
from ..metrics import PlatformMetrics
from ..people.log_ins import LogInLimiter
from ..people.passwords import Passwords
from ..platform_file import PlatformLimits
from ..rates import SharedRates


@dataclass(frozen=True, slots=True)
class Parts:
    """What the resources work on.

    Attributes:
        database: what the platform remembers.
        limits: of the platform's file.
        passwords: hashes and checks them.
        log_ins: bounds how often somebody may try.
        rates: bounds how often each person may ask.
        metrics: counts requests.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
        has_safe_cookies: whether browsers come over TLS only.
        is_behind_proxy: whether the address of a client is the one that a proxy says.
    """

    database: Database
    limits: PlatformLimits
    passwords: Passwords
    log_ins: LogInLimiter
    rates: SharedRates
    metrics: PlatformMetrics
    now_s: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    has_safe_cookies: bool = False
    is_behind_proxy: bool = False
