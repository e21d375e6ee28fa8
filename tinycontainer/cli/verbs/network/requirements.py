"""What verbs for a network need beside the package itself."""

from ...verb import VerbRefused


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
    try:
        import alembic  # noqa: F401, PLC0415 - an optional part
        import argon2  # noqa: F401, PLC0415
        import fastapi  # noqa: F401, PLC0415
        import httptools  # noqa: F401, PLC0415
        import prometheus_client  # noqa: F401, PLC0415
        import sqlalchemy  # noqa: F401, PLC0415
        import uvicorn  # noqa: F401, PLC0415
    except ImportError as error:
        raise VerbRefused(
            f"{error.name} is not installed; it comes with: pip install 'tinycontainer[platform]'"
        ) from None
