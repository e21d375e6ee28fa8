"""Problems of a container as a whole: its form, and contradictions between its parts."""

import hashlib
from dataclasses import dataclass

from tinycontainer.device.containers.riot_2024 import find_riot_objection
from tinycontainer.device.containers.verification import profile_of
from tinycontainer.metadata import ContainerType, Security
from tinycontainer_tokens import Kind, Profile
from tinycontainer_tokens.unverified import read_unverified

from ..artefact.artefact import Artefact
from ..artefact.payload import payload_type
from .explanation import Explanation


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong that is not one token's.

    Attributes:
        check: the name of the check that found it.
        problem: what is wrong.
        explanation: why.
    """

    check: str
    problem: str
    explanation: Explanation


def find_type_problem(artefact: Artefact) -> Problem | None:
    """A contradiction of the metadata's type with the code, or with the directory's RUNTIME.

    Returns:
        None if they agree, or if neither shows a type.
    """
    stated = artefact.metadata.container.type
    by_code = None if artefact.code is None else payload_type(artefact.code)
    code_contradicts = by_code is not None and by_code is not stated
    if by_code is not None and code_contradicts:
        source = by_code
        witness = "the first bytes of the code"
    elif artefact.layout is not None and artefact.layout.type is not stated:
        source = artefact.layout.type
        witness = f"RUNTIME ({artefact.layout.runtime})"
    else:
        return None
    return Problem(
        "type",
        f"type {_named(stated)} contradicts {witness}, which is that of type {_named(source)}",
        Explanation(
            f"type {_named(source)}, by {witness}",
            f"type {_named(stated)} in the metadata",
            _cause(artefact, code_contradicts),
        ),
    )


def find_form_problem(artefact: Artefact) -> Problem | None:
    """The first thing in metadata that the C firmware would refuse; None if there is none."""
    objection = find_riot_objection(artefact.metadata)
    if objection is None:
        return None
    profile = profile_of(artefact.metadata)
    cause = f"its tokens are made for {profile}" if profile is Profile.RFC9052 else None
    return Problem(
        "form", objection, Explanation("what the firmware's parser takes", objection, cause)
    )


def _cause(artefact: Artefact, code_contradicts: bool) -> str:
    if not code_contradicts or artefact.code is None:
        return "the metadata was made with another type, or lies in another container's directory"
    signed = _signed_code_sha256(artefact)
    if signed is None:
        return "the type in the manifest is wrong, or this is another container's code"
    if signed == hashlib.sha256(artefact.code).digest():
        return "the code token vouches for this code, so the type in the manifest is wrong"
    return "the code token does not vouch for this code, so it is another container's"


def _signed_code_sha256(artefact: Artefact) -> bytes | None:
    token = (artefact.metadata.security or Security()).code_token
    said = read_unverified(token, Kind.CODE)
    return said.claims.sha256 if said.is_well_formed and said.claims is not None else None


def _named(kind: ContainerType) -> str:
    return f"{kind.value} ({kind.name.lower()})"
