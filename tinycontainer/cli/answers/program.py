"""The answers of verbs about the program itself, and what is installed."""

from .base import AnswerTable


class ListedRuntime(AnswerTable):
    """A runtime that is installed."""

    name: str
    default: bool
    """Whether it runs its container type if a device file does not choose."""
    works: bool
    problem: str
    """Why it does not work; empty if it does."""
    engine: str
    """The engine and its version."""
    abilities: list[str]
    notes: list[str]


class RuntimesAnswer(AnswerTable):
    """All runtimes."""

    runtimes: list[ListedRuntime]


class CompletionAnswer(AnswerTable):
    """The completion script of a shell."""

    shell: str
    script: str
