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
