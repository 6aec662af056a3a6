"""What takes long to unpack, kept unpacked in the user's cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from annotate.errors import AnnotateError
from annotate.store import replacing

Arrays = Mapping[str, NDArray[Any]]

_SOURCES = "made of"

log = logging.getLogger("annotate")


def unpacked(name: str, sources: Sequence[Path], make: Callable[[], Arrays]) -> Arrays:
    """The arrays that `make` makes of `sources`, the packed data and the code that reads it. They are kept under a name, one
    file for all versions, and made again when a source has changed. Where nothing can be kept they are made each time, and the
    log says so."""
    path = Path(platformdirs.user_cache_dir("annotate", appauthor=False)) / f"{name}.npz"
    made_of = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            if stored[_SOURCES] == made_of:
                return {key: stored[key] for key in stored if key != _SOURCES}
    except FileNotFoundError:
        log.debug("%s: not there yet", path)
    except Exception as problem:  # zipfile, zlib, tokenize and NumPy each have errors of their own for damage
        log.warning("%s cannot be read and is made again: %s", path, problem)
    arrays = make()
    try:
        with replacing(path) as out:
            np.savez(out, allow_pickle=False, **{_SOURCES: np.array(made_of)}, **arrays)
    except (OSError, AnnotateError) as problem:
        log.info("every start takes half a second longer than it must: %s", problem)
    return arrays
