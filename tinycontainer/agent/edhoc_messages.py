"""What the library of EDHOC does with messages of strangers: it is of Rust, and can panic."""


def is_panic(error: BaseException) -> bool:
    """Whether a library in Rust has panicked.

    The class of that is no `Exception`, as if the program had to end, and nothing exports it.
    """
    return type(error).__name__ == "PanicException"
