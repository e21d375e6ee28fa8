"""A line break that was added at a file's end, whatever byte the file itself ends in."""

import hashlib
from dataclasses import replace

import pytest
from support.tokens.refusals import CODE, PLAN, cause, code_token, packed, with_code_token

from tinycontainer.errors import MetadataError
from tinycontainer.tools.explain.causes.variants import find_accident
from tinycontainer.tools.explain.undecodable import explain_undecodable
from tinycontainer_tokens import Kind
from tinycontainer_tokens.envelope import Envelope, parse

ENDS = (b"\r", b"\n", b"\r\n", b"\n\r", b"\r\r", b"\n\n", b"\0", b"x")
ADDED = (b"\n", b"\r\n")


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("end", ENDS)
def test_of_a_token(end: bytes, added: bytes) -> None:
    whole = parse(code_token())
    proof = whole.proof[: -len(end)] + end
    token = Envelope(True, whole.algorithm, whole.protected, whole.payload, proof).encode()
    found = cause(with_code_token(token + added), Kind.CODE, "structure")
    assert found.startswith("a line break was added at the token's end")


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("end", ENDS)
def test_of_a_container(end: bytes, added: bytes) -> None:
    bundle = replace(packed(PLAN), code=CODE + end).encode()
    assert bundle.endswith(end)
    found = explain_undecodable(bundle + added, MetadataError("bundle", "bytes follow the value"))
    assert found.explanation.cause is not None
    assert "was added at the file's end" in found.explanation.cause
    assert "line break" in found.explanation.cause


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("end", ENDS)
def test_of_a_section(end: bytes, added: bytes) -> None:
    signed = b"bytes" + end
    found = find_accident(hashlib.sha256(signed).digest(), signed + added)
    assert found is not None
    assert found.content == signed
    assert "last line break" in found.words or "zero" in found.words or "LF" in found.words
