"""The platform put together from its parts."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .changes import ChangeWatch
from .database import PlatformDatabase
from .metrics import PlatformMetrics
from .people.log_ins import LogInLimiter
from .people.passwords import PasswordCost, Passwords
from .platform_file import PlatformLimits, WebTable
from .rates import SharedRates
from .web.parts import PlatformParts


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where time and randomness come from, and what passwords cost.

    Attributes:
        now_s: Unix time.
        monotonic_s: seconds that only go on.
        random_bytes: draws a number of unpredictable bytes.
        password_cost: of one hash.
    """

    now_s: Callable[[], float] = time.time
    monotonic_s: Callable[[], float] = time.monotonic
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    password_cost: PasswordCost = field(default_factory=PasswordCost)


def assemble(
    database: PlatformDatabase,
    http: WebTable,
    limits: PlatformLimits,
    around: Surroundings,
    gateways: Mapping[str, str],
) -> PlatformParts:
    """Put the platform together.

    Args:
        database: with its tables.
        http: of the platform's file.
        limits: of the same.
        around: where time and randomness come from.
        gateways: the organisation of each gateway, by their names.
    """
    return PlatformParts(
        database=database,
        limits=limits,
        passwords=make_passwords(limits, around),
        log_ins=LogInLimiter(around.monotonic_s),
        rates=SharedRates(around.monotonic_s, limits.requests_per_s),
        metrics=PlatformMetrics(),
        changes=ChangeWatch(database),
        now_s=around.now_s,
        random_bytes=around.random_bytes,
        gateways=gateways,
        has_safe_cookies=http.has_safe_cookies,
        is_behind_proxy=http.behind_proxy,
        signs_in_page=http.sign_in_page,
    )


def make_passwords(limits: PlatformLimits, around: Surroundings) -> Passwords:
    """What hashes and checks passwords."""
    return Passwords(around.password_cost, limits.hashes, around.random_bytes(16))
