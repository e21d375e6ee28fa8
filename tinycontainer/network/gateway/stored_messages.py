"""Requests and answers as bytes, for the rows of jobs. Only this program reads them again."""

from typing import Any

import cbor2

from ..agent.requests.message import CoapAnswer, CoapRequest, Code, Format, Method


def encode_request(request: CoapRequest) -> bytes:
    """A request without its peer and its payload."""
    row = [int(request.method), list(request.path), list(request.query), _rows(request.options)]
    return cbor2.dumps(row)


def decode_request(row: bytes, payload: bytes) -> CoapRequest:
    """A request that `encode_request` has written, with its payload."""
    method, path, query, options = cbor2.loads(row)
    return CoapRequest(b"", Method(method), tuple(path), tuple(query), _pairs(options), payload)


def encode_answer(answer: CoapAnswer) -> bytes:
    """An answer without its payload."""
    form = None if answer.format is None else int(answer.format)
    return cbor2.dumps([int(answer.code), form, _rows(answer.options)])


def decode_answer(row: bytes, payload: bytes) -> CoapAnswer:
    """An answer that `encode_answer` has written, with its payload."""
    code, form, options = cbor2.loads(row)
    return CoapAnswer(Code(code), payload, None if form is None else Format(form), _pairs(options))


def _rows(options: tuple[tuple[int, bytes], ...]) -> list[list[Any]]:
    return [[number, value] for number, value in options]


def _pairs(rows: list[list[Any]]) -> tuple[tuple[int, bytes], ...]:
    return tuple((number, value) for number, value in rows)
