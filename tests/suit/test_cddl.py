"""specs/update.cddl and our profile agree, judged by a CDDL tool that knows nothing of us.

The tool cannot look into byte strings within arrays, nor repeat pairs: every level is judged by its
own rule, and sequences command by command.
"""

import re
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.envelopes import drafts
from support.manifest_mutants import close
from support.project import ROOT
from support.updates import KEY, draft, plan_version, sign
from support.worlds import blueprint

from tinycontainer.errors import EnvelopeError
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.encoder import build_envelope
from tinycontainer.suit.envelope.profile import objections
from tinycontainer_tokens import cbor

pycddl = pytest.importorskip("pycddl", reason="pycddl has no wheel for this Python")

pytestmark = pytest.mark.clause("TC-UPD-01", "TC-UPD-02", "TC-UPD-03", "TC-UPD-04")

TEXT = (ROOT / "specs" / "update.cddl").read_text()
TRY_EACH, OVERRIDE = 15, 20
SEQUENCES = {
    4: "shared",
    7: "checking",
    9: "invoking",
    16: "fetching",
    20: "fetching",
    24: "removing",
}
"""The kind of each sequence, by its label; 4 is that of the shared one in common."""


def _flat() -> str:
    """The rules as the tool takes them: byte strings closed, and the group of a map written out."""
    (about,) = re.findall(r"about = \((.*?)\n\)", TEXT, re.DOTALL)
    flat = re.sub(r"about = \(.*?\n\)\n", "", TEXT, flags=re.DOTALL)
    flat = flat.replace("  about,\n", about.lstrip("\n") + "\n")
    # Where all members of a map are optional, the tool takes a map of any others for it.
    flat = flat.replace("parameters = {", "parameters = { 0 => 0,")
    return re.sub(r" \.cbor [a-z-]+", "", flat)


FLAT = _flat()


class Judge:
    """Validates each level by the rule of its own."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}

    def fits(self, rule: str, value: object) -> bool:
        """Whether a value fits a rule, or a type that is written like one."""
        if rule == "parameters" and isinstance(value, dict):
            value = {0: 0} | value
        if rule not in self._schemas:
            self._schemas[rule] = pycddl.Schema(f"root = {rule}\n{FLAT}")
        try:
            self._schemas[rule].validate_cbor(cbor.encode(value))  # type: ignore[arg-type]
        except pycddl.ValidationError:
            return False
        return True

    def envelope(self, content: bytes) -> bool:
        """Whether all levels of an envelope fit."""
        if content[:2] != b"\xd8\x6b":
            return False
        members = cbor2.loads(content[2:])
        manifest = cbor2.loads(members[3])
        severed = (
            self.sequence(SEQUENCES[each], members[each]) for each in (16, 20) if each in members
        )
        return self.manifest(manifest) and self.authentication(members[2]) and all(severed)

    def authentication(self, encoded: bytes) -> bool:
        digest, *signatures = cbor2.loads(encoded)
        return self.fits("digest", cbor2.loads(digest)) and all(map(self.signature, signatures))

    def signature(self, encoded: bytes) -> bool:
        parts = cbor2.loads(encoded).value
        return self.fits("protected-header", cbor2.loads(parts[0])) and self.fits(
            "[protected: bstr, unprotected: { ? 4 => key-id }, payload: nil, proof: bstr .size 64]",
            parts,
        )

    def manifest(self, manifest: Any) -> bool:
        rule = "removing" if isinstance(manifest, dict) and 24 in manifest else "installing"
        if not self.fits(rule, manifest):
            return False
        sequences = [
            label for label in (7, 9, 16, 20, 24) if isinstance(manifest.get(label), bytes)
        ]
        digests = [each for each in manifest.values() if isinstance(each, list)]
        return (
            self.common(cbor2.loads(manifest[3]))
            and all(self.fits("digest", each) for each in digests)
            and all(self.sequence(SEQUENCES[label], manifest[label]) for label in sequences)
        )

    def common(self, common: Any) -> bool:
        if not self.fits("common", common) or len(common[2]) > 48:
            return False
        identifiers = all(
            self.fits("component", each)
            and self.fits("uid", cbor2.loads(each[0]))
            and self.fits("section", cbor2.loads(each[1]))
            for each in common[2]
        )
        return identifiers and (4 not in common or self.sequence("shared", common[4]))

    def sequence(self, kind: str, encoded: bytes, *, is_tried: bool = False) -> bool:
        items = cbor2.loads(encoded)
        if not isinstance(items, list) or len(items) % 2 or not items:
            return False
        if not is_tried and not self.fits("[12, index]", items[:2]):
            return False
        pairs = zip(items[::2], items[1::2], strict=True)
        return all(self.command(kind, label, argument) for label, argument in pairs)

    def command(self, kind: str, label: object, argument: Any) -> bool:
        (allowed,) = re.findall(rf"tried-{kind} = \[\+ \((.*)\)\]", FLAT)
        if label == TRY_EACH and isinstance(argument, list):
            tried = argument[:-1] if argument and argument[-1] is None else argument
            return (
                self.fits(f"[{allowed}]", [label, [b""]])
                and self.fits("[+ bstr]", tried)
                and all(self.sequence(kind, each, is_tried=True) for each in tried)
            )
        if label == OVERRIDE:
            return self.fits(f"[{allowed}]", [label, {0: 0}]) and self.parameters(argument)
        return self.fits(f"[{allowed}]", [label, argument])

    def parameters(self, values: Any) -> bool:
        if not isinstance(values, dict) or not self.fits("parameters", values):
            return False
        return 3 not in values or self.fits("digest", cbor2.loads(values[3]))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def test_an_update_and_a_deletion_fit_on_every_level(judge: Judge) -> None:
    versions = [plan_version(blueprint(uid), starts=True) for uid in ("a", "b")]
    for what in (draft(*versions), draft(removed=(b"a", b"b"))):
        assert judge.envelope(sign(make_envelope(what), KEY))


JUDGE = Judge()


@given(drafts())
def test_whatever_is_made_fits_on_every_level(what: Any) -> None:
    assert JUDGE.envelope(sign(make_envelope(what), KEY))


# What fits is accepted, and what is accepted fits


def said(manifest: dict[int, Any]) -> list[str]:
    """What decoder and profile have against a manifest."""
    content = build_envelope(cbor.encode(close(manifest)), {}, {})
    try:
        envelope = decode_envelope(content)
        found = list(objections(envelope, decode_manifest(envelope)))
    except EnvelopeError as error:
        return [error.problem]
    return [each.problem for each in found if not _beyond_cddl(each.problem)]


def _beyond_cddl(problem: str) -> bool:
    """What the CDDL leaves to its comments."""
    return problem.startswith("component ") or "named twice" in problem


_POLICY = st.sampled_from([0, 2, 15, 15, 15, 16, -1, 1 << 40, None, False])
_LABELS = st.sampled_from([1, 2, 24, 3, 14, 21, 18, 23, 33, 1, 2, 3, 21, 22, 5, 32, 0])
_INDEX = st.sampled_from([0, 1, 2, True, [0, 1], [2], [], -1, "0"])
_DIGEST = st.sampled_from(
    [
        *[cbor.encode([-16, bytes(32)])] * 3,
        cbor.encode([-16, bytes(31)]),
        cbor.encode([-43, bytes(32)]),
        cbor.encode([-16]),
    ]
)
_PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        1: st.sampled_from([bytes(16), bytes(16), bytes(15), "x"]),
        2: st.sampled_from([bytes(16), bytes(16), bytes(17)]),
        3: _DIGEST,
        14: st.sampled_from([0, 1, (1 << 64) - 1, -1]),
        18: st.sampled_from([b"", b"x", "x"]),
        21: st.sampled_from(["#0", "x" * 255, "x" * 256, "", None]),
        24: st.sampled_from([bytes(16), b""]),
    },
)
_ODD = st.sampled_from([{5: 1}, {25: b""}, {-1: 0}, [], b""])


def _commands(tried: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[Any]]:
    alternatives = st.lists(tried, max_size=2).flatmap(
        lambda each: st.sampled_from([each, [*each, None]])
    )
    command = st.one_of(
        st.tuples(_LABELS, _POLICY),
        st.tuples(st.just(12), _INDEX),
        st.tuples(st.just(20), _PARAMETERS | _ODD),
        st.tuples(st.just(15), alternatives),
    )
    return st.lists(command, max_size=3).map(
        lambda pairs: [each for pair in pairs for each in pair]
    )


_TRIED = _commands(st.nothing() | st.just(cbor.encode([14, 15]))).map(cbor.encode)
_SEQUENCES = st.tuples(
    st.sampled_from([[12, 0]] * 5 + [[], [12, True], [3, 15]]), _commands(_TRIED)
).map(lambda pair: cbor.encode([*pair[0], *pair[1]]))


@st.composite
def manifests(draw: st.DrawFn) -> dict[int, Any]:
    """Manifests that are nearly in our profile, and some that are."""
    content = build_template()
    common = cbor2.loads(content[3])
    if draw(st.booleans()):
        common[4] = draw(_SEQUENCES)
    content[3] = cbor.encode(common)
    wanted = draw(
        st.sampled_from([(20,), (20,), (16, 20, 7, 9), (24,), (24, 20), (7,), (20, 7), (20, 9)])
    )
    for label in wanted:
        content[label] = draw(_SEQUENCES)
    return content


def build_template() -> dict[int, Any]:
    """A manifest of one container without any sequence."""
    manifest = decode_envelope(make_envelope(draft(removed=(b"a",)))).manifest
    members: dict[int, Any] = cbor2.loads(cbor2.loads(manifest))
    common = cbor2.loads(members[3])
    return {1: 1, 2: 1, 3: cbor.encode({2: common[2]})}


@given(manifests())
def test_the_rules_and_the_profile_agree_on_manifests(manifest: dict[int, Any]) -> None:
    assert JUDGE.manifest(manifest) is (said(manifest) == []), said(manifest)


MISFITS: dict[str, tuple[str, object]] = {
    "another version": ("installing", {1: 2, 2: 1, 3: b"", 20: b""}),
    "a sequence number of 64 bits": ("installing", {1: 1, 2: 1 << 63, 3: b"", 20: b""}),
    "no install": ("installing", {1: 1, 2: 1, 3: b""}),
    "install and uninstall": ("removing", {1: 1, 2: 1, 3: b"", 20: b"", 24: b""}),
    "a member that there is not": ("installing", {1: 1, 2: 1, 3: b"", 20: b"", 14: b""}),
    "dependencies": ("common", {1: {}, 2: [[b"", b""]] * 3}),
    "a digest by another algorithm": ("digest", [-43, bytes(32)]),
    "a digest of 31 bytes": ("digest", [-16, bytes(31)]),
    "a component of one part": ("component", [b""]),
    "a uid without bytes": ("uid", b""),
    "a uid of 64 bytes": ("uid", bytes(64)),
    "another section": ("section", "text"),
    "another algorithm": ("protected-header", {1: -35}),
    "a key id without bytes": ("protected-header", {1: -7, 4: b""}),
    "an identifier of 15 bytes": ("identifier", bytes(15)),
    "a slot": ("parameters", {5: 1}),
    "an empty uri": ("parameters", {21: ""}),
    "a policy of five bits": ("policy", 16),
}


@pytest.mark.parametrize(("rule", "value"), MISFITS.values(), ids=MISFITS.keys())
def test_what_the_profile_refuses_does_not_fit_either(
    judge: Judge, rule: str, value: object
) -> None:
    assert not judge.fits(rule, value)
