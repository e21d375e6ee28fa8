"""What verbs for a network need beside the package itself."""

from importlib.util import find_spec
from typing import Final

from ...verb import VerbRefused

_OF_PLATFORM: Final = (
    "alembic",
    "argon2",
    "fastapi",
    "httptools",
    "prometheus_client",
    "sqlalchemy",
    "uvicorn",
)


def require_network() -> None:
    """Refuse to begin without the extra `network`.

    Raises:
        VerbRefused: it is not installed.
    """
    try:
        import aiocoap.oscore_sitewrapper  # noqa: F401, PLC0415 - an optional part
    except ImportError:
        raise VerbRefused(
            "aiocoap is not installed; it comes with: pip install 'tinycontainer[network]'"
        ) from None


def require_gateway() -> None:
    """Refuse to begin without the extra `gateway`.

    Raises:
        VerbRefused: it is not installed.
    """
    require_network()
    try:
        import httptools  # noqa: F401, PLC0415 - an optional part
        import prometheus_client  # noqa: F401, PLC0415
        import starlette  # noqa: F401, PLC0415
        import uvicorn  # noqa: F401, PLC0415
    except ImportError as error:
        raise VerbRefused(
            f"{error.name} is not installed; it comes with: pip install 'tinycontainer[gateway]'"
        ) from None


def require_platform() -> None:
    """Refuse to begin without the extra `platform`.

    Raises:
        VerbRefused: it is not installed.
    """
    # They are looked for only: to import them takes longer than most verbs.
    for name in _OF_PLATFORM:
        if find_spec(name) is None:
            raise VerbRefused(
                f"{name} is not installed; it comes with: pip install 'tinycontainer[platform]'"
            )
