"""Modules with one fault each, for each rule of validity, and the same modules with it mended.

``[[bad~good]]`` in a text is the fault and what mends it. Texts go into a module that is otherwise
complete. What a text cannot say is written as sections in hexadecimal digits.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.wasm.modules import (
    CODE,
    COUNT,
    DATA,
    ELEMENT,
    EXPORT,
    FUNCTION,
    GLOBAL,
    IMPORT,
    MEMORY,
    TABLE,
    TYPE,
    body,
    build,
    export,
    join,
    leb,
    name,
    section,
    split,
    vector,
    wat,
)


class Fault(NamedTuple):
    """One rule of validity, broken and kept.

    Attributes:
        rule: what is broken, in words.
        bad: the module that breaks it.
        good: the module with the fault mended; nothing else differs.
        scanned: whether the scan refuses it, before the validator sees it.
    """

    rule: str
    bad: bytes
    good: bytes
    scanned: bool = False


_FAULT = re.compile(r"\[\[(.*?)~(.*?)\]\]")
_OTHER = {"i32": "i64", "i64": "i32", "f32": "f64", "f64": "f32"}
_INTEGER = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
_COMPARED = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"

SIGNATURES = f"""
i32 : i32 : clz ctz popcnt extend8_s extend16_s eqz
i32 i32 : i32 : {_INTEGER} {_COMPARED}
i64 : i64 : clz ctz popcnt extend8_s extend16_s extend32_s
i64 : i32 : eqz
i64 i64 : i64 : {_INTEGER}
i64 i64 : i32 : {_COMPARED}
f32 : f32 : abs neg ceil floor trunc nearest sqrt
f32 f32 : f32 : add sub mul div min max copysign
f32 f32 : i32 : eq ne lt gt le ge
f64 : f64 : abs neg ceil floor trunc nearest sqrt
f64 f64 : f64 : add sub mul div min max copysign
f64 f64 : i32 : eq ne lt gt le ge
i64 : i32 : i32.wrap_i64
i32 : i64 : i64.extend_i32_s i64.extend_i32_u
f32 : i32 : i32.trunc_f32_s i32.trunc_f32_u i32.trunc_sat_f32_s i32.trunc_sat_f32_u
f64 : i32 : i32.trunc_f64_s i32.trunc_f64_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u
f32 : i64 : i64.trunc_f32_s i64.trunc_f32_u i64.trunc_sat_f32_s i64.trunc_sat_f32_u
f64 : i64 : i64.trunc_f64_s i64.trunc_f64_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u
i32 : f32 : f32.convert_i32_s f32.convert_i32_u f32.reinterpret_i32
i64 : f32 : f32.convert_i64_s f32.convert_i64_u
i32 : f64 : f64.convert_i32_s f64.convert_i32_u
i64 : f64 : f64.convert_i64_s f64.convert_i64_u f64.reinterpret_i64
f64 : f32 : f32.demote_f64
f32 : f64 : f64.promote_f32
f32 : i32 : i32.reinterpret_f32
f64 : i64 : i64.reinterpret_f64
i32 : i32 : i32.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u memory.grow
i32 : i64 : i64.load i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u
i32 : f32 : f32.load
i32 : f64 : f64.load
i32 i32 : : i32.store i32.store8 i32.store16
i32 i64 : : i64.store i64.store8 i64.store16 i64.store32
i32 f32 : : f32.store
i32 f64 : : f64.store
: i32 : memory.size
i32 i32 i32 : : memory.fill memory.copy
"""
"""Operands, results and instructions; a name without a dot has the type of its first operand."""

ALIGNMENTS = """
1 : i32.load8_s i32.load8_u i64.load8_s i64.load8_u i32.store8 i64.store8
2 : i32.load16_s i32.load16_u i64.load16_s i64.load16_u i32.store16 i64.store16
4 : i32.load f32.load i64.load32_s i64.load32_u i32.store f32.store i64.store32
8 : i64.load f64.load i64.store f64.store
"""
"""The largest alignment of each access to memory, in bytes."""


def numeric_faults() -> Iterator[Fault]:
    """An operand of another type, one too few, and another result, for each instruction."""
    for line in SIGNATURES.strip().splitlines():
        operands, results, names = (part.split() for part in line.split(":"))
        for each in names:
            full = each if "." in each else f"{operands[0]}.{each}"
            yield from _faults_of(full, operands, results)


def _faults_of(full: str, operands: list[str], results: list[str]) -> Iterator[Fault]:
    drop = " drop" * len(results)
    pushed = [f"{each}.const 0" for each in operands]
    for place, operand in enumerate(operands):
        wrong = f"[[{_OTHER[operand]}.const 0~{operand}.const 0]]"
        given = " ".join([*pushed[:place], wrong, *pushed[place + 1 :]])
        yield in_text(f"{full}: operand {place} of another type", f"(func {given} {full}{drop})")
    if operands:
        given = " ".join([f"[[~{pushed[0]}]]", *pushed[1:]])
        yield in_text(f"{full}: one operand too few", f"(func {given} {full}{drop})")
    for result in results:
        declared = f"(result [[{_OTHER[result]}~{result}]])"
        yield in_text(f"{full}: another result", f"(func {declared} {' '.join(pushed)} {full})")
    if not results:
        given = " ".join(pushed)
        yield in_text(f"{full}: no result", f"(func {given} {full} [[drop~]])")


def alignment_faults() -> Iterator[Fault]:
    """An alignment larger than the access, for each of them."""
    for line in ALIGNMENTS.strip().splitlines():
        largest, names = line.split(":")
        for access in names.split():
            given = "i32.const 0"
            if "store" in access:
                given += f" {access[:3]}.const 0"
            drop = " drop" if "load" in access else ""
            text = f"(func {given} {access} align=[[{2 * int(largest)}~{int(largest)}]]{drop})"
            yield in_text(f"{access}: alignment larger than its access", text)


def in_text(rule: str, text: str) -> Fault:
    """The two modules of a text with a fault."""
    whole = (
        '(module (memory (export "memory") 1 1)'
        f' (func (export "loop") (result i32) i32.const 0) {text})'
    )
    assert len(_FAULT.findall(whole)) == 1, rule
    bad, good = (wat(_FAULT.sub(rf"\{each}", whole)) for each in (1, 2))
    return Fault(rule, bad, good)


def written_faults() -> Iterator[Fault]:
    """The faults of the two files: on each line a rule, a bar, and a text or sections."""
    for file, make in (("faults.txt", in_text), ("faults-in-bytes.txt", in_bytes)):
        for line in (Path(__file__).parent / file).read_text().splitlines():
            if not line.startswith("#"):
                rule, _, text = line.partition(" | ")
                fault = make(rule.removeprefix("scan: "), text)
                yield fault._replace(scanned=rule.startswith("scan: "))


_NUMBERS = {
    "type": TYPE,
    "import": IMPORT,
    "function": FUNCTION,
    "table": TABLE,
    "memory": MEMORY,
    "global": GLOBAL,
    "export": EXPORT,
    "element": ELEMENT,
    "count": COUNT,
    "code": CODE,
    "data": DATA,
    "loop": CODE,
}
_EXPORTED = (export("memory", 2, 0), export("loop", 0, 0))


def in_bytes(rule: str, text: str) -> Fault:
    """The two modules of sections with a fault."""
    assert len(_FAULT.findall(text)) == 1, rule
    bad, good = (_build_of(_FAULT.sub(rf"\{each}", text)) for each in (1, 2))
    return Fault(rule, bad, good)


def _build_of(text: str) -> bytes:
    sections: dict[int, bytes | None] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        title, _, digits = part.partition(" ")
        payload = bytes.fromhex(digits)
        sections[_NUMBERS[title]] = vector(body(payload)) if title == "loop" else payload
    return build(sections)


def frame_faults() -> Iterator[Fault]:
    """Faults of header, sections, counts and names."""
    for fault in _faults_of_the_frame(build()):
        yield fault._replace(scanned=True)


def _faults_of_the_frame(good: bytes) -> Iterator[Fault]:
    yield Fault("no magic number", b"\0asn" + good[4:], good)
    yield Fault("another version", b"\0asm\2\0\0\0" + good[8:], good)
    yield Fault("a version of a component", b"\0asm\x0d\0\1\0" + good[8:], good)
    yield Fault("a header cut short", good[:7], good)
    for number, payload in split(good):
        rest = [each for each in split(good) if each[0] != number]
        place = len(join([each for each in split(good) if each[0] < number]))
        shown = section(number, payload)
        shorter = bytes([number]) + leb(len(payload) - 1) + payload
        longer = bytes([number]) + leb(len(payload) + 1) + payload
        for what, changed in (
            (f"section {number} shorter than its content", shorter),
            (f"section {number} longer than its content", longer),
            (f"section {number} twice", shown + shown),
            (f"section {number} with a byte after its content", section(number, payload + b"\0")),
            (f"section {number} with one item too many announced", _recounted(number, payload, 1)),
            (f"section {number} with one item too few announced", _recounted(number, payload, -1)),
        ):
            yield Fault(what, good[:place] + changed + good[place + len(shown) :], good)
        if number in (TYPE, FUNCTION, CODE):
            yield Fault(f"section {number} left out", join(rest), good)
        if number != CODE:
            yield Fault(f"section {number} after the others", join(rest) + shown, good)
    yield Fault("the module ends within a section", good[:-1], good)
    known = good + section(0, name("a"))
    yield Fault("a section that is not known", good + section(14, b""), known)
    yield Fault("a custom section without a name", good + section(0, b""), good + section(0, b"\0"))
    yield Fault(
        "a custom section with a name beyond its end",
        good + section(0, b"\5abc"),
        good + section(0, b"\3abc"),
    )
    for what, raw in _NO_UTF8.items():
        named = section(0, leb(len(raw)) + raw)
        yield Fault(f"a custom section named by {what}", good + named, known)
        exports = vector(*_EXPORTED, leb(len(raw)) + raw + b"\0\0")
        mended = vector(*_EXPORTED, name("other") + b"\0\0")
        yield Fault(f"an export named by {what}", build({EXPORT: exports}), build({EXPORT: mended}))


def _recounted(number: int, payload: bytes, by: int) -> bytes:
    return section(number, bytes([payload[0] + by]) + payload[1:])


_NO_UTF8 = {
    "a lone continuation": b"\x80",
    "a sequence cut short": b"\xe2\x82",
    "a long form of a character": b"\xc0\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "what is beyond the last character": b"\xf4\x90\x80\x80",
    "a byte that begins nothing": b"\xff",
}
