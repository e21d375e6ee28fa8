"""Runs the default test suite on every supported Python."""

import nox

nox.options.default_venv_backend = "venv"


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Install the project and run its tests."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)
