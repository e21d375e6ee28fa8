"""A second rBPF interpreter, written as plainly as can be: it decodes at each step.

It shares nothing with the adapter but the numbers of helpers and their costs, so what both agree on
is not one mistake made twice. Text is taken to have passed the load checks.
"""

from dataclasses import dataclass, field

MASK = (1 << 64) - 1
STACK, CONTEXT, DATA, RODATA = 2, 3, 4, 5
CALL_COST = 100
OWN_DATA = b"own data"


class Stop(Exception):
    """The program has ended, with a code."""

    def __init__(self, code: int) -> None:
        self.code = code


def signed(value: int, bits: int) -> int:
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


@dataclass
class Oracle:
    """One run.

    Attributes:
        text: the program.
        context: writable, behind r1.
        data: writable.
        rodata: readable.
    """

    text: bytes
    context: bytearray = field(default_factory=bytearray)
    data: bytearray = field(default_factory=bytearray)
    rodata: bytes = b""

    def __post_init__(self) -> None:
        self.stack = bytearray(512)
        self.writable = {STACK: self.stack, CONTEXT: self.context, DATA: self.data}
        self.r = [0] * 11
        self.r[1], self.r[2] = CONTEXT << 28, len(self.context)
        self.r[10] = (STACK << 28) + 512
        self.pc = self.used = self.branches = 0

    def run(self) -> int:
        """Run to the end; the code."""
        try:
            while True:
                self.step()
        except Stop as stop:
            return stop.code

    def step(self) -> None:
        at = self.pc * 8
        opcode, registers = self.text[at], self.text[at + 1]
        dst, src = registers & 15, registers >> 4
        offset = signed(int.from_bytes(self.text[at + 2 : at + 4], "little"), 16)
        imm = signed(int.from_bytes(self.text[at + 4 : at + 8], "little"), 32)
        self.pc += 1
        self.used += 1
        kind = opcode & 7
        if opcode in (0x18, 0xB8, 0xD8):
            high = int.from_bytes(self.text[at + 12 : at + 16], "little")
            base = {0x18: 0, 0xB8: DATA << 28, 0xD8: RODATA << 28}[opcode]
            self.r[dst] = (base + (high << 32) + (imm & 0xFFFFFFFF)) & MASK
            self.pc += 1
        elif opcode == 0x95:
            raise Stop(0)
        elif opcode == 0x85:
            self.call(imm)
        elif kind in (4, 7):
            operand = self.r[src] if opcode & 8 else imm
            self.alu(opcode >> 4, dst, operand, 64 if kind == 7 else 32)
        elif kind == 5:
            self.jump(opcode >> 4, self.r[dst], self.r[src] if opcode & 8 else imm, offset)
        else:
            size = {0x10: 1, 0x08: 2, 0x00: 4, 0x18: 8}[opcode & 0x18]
            self.access(kind, dst, src, offset, imm, size)

    def alu(self, code: int, dst: int, operand: int, bits: int) -> None:
        full = (1 << bits) - 1
        a, b = self.r[dst] & full, operand & full
        shift = b % bits
        if code == 0x0:
            result = a + b
        elif code == 0x1:
            result = a - b
        elif code == 0x2:
            result = a * b
        elif code in (0x3, 0x9):
            if b == 0:
                raise Stop(-9)
            result = a // b if code == 0x3 else a % b
        elif code == 0x4:
            result = a | b
        elif code == 0x5:
            result = a & b
        elif code == 0x6:
            result = a << shift
        elif code == 0x7:
            result = a >> shift
        elif code == 0x8:
            result = -a
        elif code == 0xA:
            result = a ^ b
        elif code == 0xB:
            result = b
        else:
            result = signed(a, bits) >> shift
        self.r[dst] = result & full

    def jump(self, code: int, a: int, operand: int, offset: int) -> None:
        b = operand & MASK
        if code in (0x6, 0x7, 0xC, 0xD):
            a, b = signed(a, 64), signed(b, 64)
        if code == 0x0:
            taken = True
        elif code == 0x1:
            taken = a == b
        elif code in (0x2, 0x6):
            taken = a > b
        elif code in (0x3, 0x7):
            taken = a >= b
        elif code == 0x4:
            taken = a & b != 0
        elif code == 0x5:
            taken = a != b
        elif code in (0xA, 0xC):
            taken = a < b
        else:
            taken = a <= b
        if taken:
            self.pc += offset
            self.branches += 1
            if self.branches == 10_000:
                raise Stop(-8)

    def access(self, kind: int, dst: int, src: int, offset: int, imm: int, size: int) -> None:
        if kind == 1:
            address = (self.r[src] + offset) & MASK
            self.r[dst] = int.from_bytes(self.bytes_at(address, size), "little")
            return
        address = (self.r[dst] + offset) & MASK
        value = self.r[src] if kind == 3 else imm
        self.put(address, (value % (1 << 8 * size)).to_bytes(size, "little"))

    def bytes_at(self, address: int, size: int) -> bytes:
        region, start = address >> 28, address % (1 << 28)
        if region == RODATA:
            found: bytes | bytearray = self.rodata
        else:
            found = self.writable.get(region, bytearray())
        if region not in (STACK, CONTEXT, DATA, RODATA) or start + size > len(found):
            raise Stop(-2)
        return bytes(found[start : start + size])

    def put(self, address: int, content: bytes) -> None:
        region, start = address >> 28, address % (1 << 28)
        if region not in self.writable or start + len(content) > len(self.writable[region]):
            raise Stop(-2)
        self.writable[region][start : start + len(content)] = content

    def call(self, number: int) -> None:
        """The helpers that random programs call: heartbeat, open, write, data_read."""
        fd_or_id, pointer, size = self.r[1], self.r[2], self.r[3] % (1 << 32)
        if number in (0x71, 0x72):
            result = {0x71: 0, 0x72: 1}[number]
            assert fd_or_id >= 0
        elif number == 0x75:
            self.bytes_at(pointer, size)
            result = size
        else:
            assert number == 0x7A
            start = fd_or_id % (1 << 32)
            content = OWN_DATA[start : start + size]
            region, place = pointer >> 28, pointer % (1 << 28)
            if region not in self.writable or place + size > len(self.writable[region]):
                raise Stop(-2)
            self.writable[region][place : place + len(content)] = content
            result = len(content)
        self.used += CALL_COST
        self.r[0] = result
