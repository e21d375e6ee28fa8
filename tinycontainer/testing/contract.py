"""The error by which a check reports a broken promise."""


class ContractBroken(Exception):
    """An implementation breaks a promise of its interface; the text is the promise."""


def require(condition: bool, promise: str) -> None:
    """Check one promise of an interface.

    Args:
        condition: whether it is kept.
        promise: the promise, as a sentence.

    Raises:
        ContractBroken: it is broken.
    """
    if not condition:
        raise ContractBroken(promise)
