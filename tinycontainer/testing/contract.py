"""How a check says that an implementation breaks an interface."""


class ContractBroken(Exception):
    """An implementation does not keep an interface; the text says where."""


def require(condition: bool, promise: str) -> None:
    """Raise unless a promise is kept.

    Raises:
        ContractBroken: it is not.
    """
    if not condition:
        raise ContractBroken(promise)
