"""Records ↔ JSON. One record a line, keys in the order of the fields, UTF-8, every key present.

msgspec reads and writes the frozen dataclasses of `model` directly and says where a value is wrong (`$.source.start`).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from annotate.errors import InvariantError, ReadError

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder(order=None)
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def dumps(record: object) -> bytes:
    """One JSON line without its line end."""
    return _ENCODER.encode(record)


def loads(line: bytes | str, kind: type[T]) -> T:
    """The record a JSON line holds. `ReadError` says what is wrong and where in the record."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        record: T = decoder.decode(line)
    except msgspec.ValidationError as problem:
        raise ReadError(f"not a {kind.__name__}: {problem}", hint="see the data contracts in the README") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ReadError(f"not JSON: {problem}") from None
    except InvariantError as problem:
        raise ReadError(str(problem), hint=problem.hint) from None
    return record
