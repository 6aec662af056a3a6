"""Labelled units → segments: equal neighbours become one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from annotate.detectors import scripts
from annotate.detectors.evidence import Evidence
from annotate.model import REGIONS, UND, Document, Segment, Tiling, segment_ids
from annotate.offsets import to_source
from annotate.tiling.units import Floats, Units

FLOOR = 0.5
"""Below this posterior a segment is `und`."""

Label = tuple[str, int]
"""A language and the number of a region."""


def tiling(
    document: Document,
    units: Units,
    evidence: Evidence,
    labels: Sequence[Label],
    lang_scores: Floats,
    region_scores: Floats,
) -> Tiling:
    """Merges equal neighbours into segments. A stretch without enough evidence is `und`, unless beside it in the same region
    stands one language; what is in a language that the user did not list stays `und` in any case."""
    bounds = np.array([block.start for block in units.blocks] + [len(document.text)])
    sizes = np.diff(bounds).astype(np.float64)
    runs = _settled(labels, evidence.speaks, lang_scores * sizes, sizes)
    firsts = [first for _, first in runs]
    stops = [*firsts[1:], len(units)]
    weights = np.add.reduceat(sizes, firsts)
    lang_means = (np.add.reduceat(lang_scores * sizes, firsts) / weights).tolist()
    region_means = (np.add.reduceat(region_scores * sizes, firsts) / weights).tolist()
    dominant = scripts.dominant(np.add.reduceat(evidence.histogram, firsts, axis=0)).tolist()
    starts, ends = bounds[firsts].tolist(), bounds[stops].tolist()
    texts = [document.text[start:end] for start, end in zip(starts, ends, strict=True)]
    identities = segment_ids(document.doc_id, texts)
    return Tiling(
        document,
        tuple(
            Segment(
                id=identities[k],
                doc_id=document.doc_id,
                start=starts[k],
                end=ends[k],
                text=texts[k],
                lang=tag,
                lang_score=round(lang_means[k], 4) if tag != UND else 0.0,
                script=_script(dominant[k], tag),
                region=REGIONS[part],
                region_score=round(region_means[k], 4),
                source=to_source(document.shifts, starts[k], ends[k], units.blocks[firsts[k]].path),
                meta=document.meta,
            )
            for k, ((tag, part), _) in enumerate(runs)
        ),
    )


def _settled(labels: Sequence[Label], speaks: NDArray[np.bool_], scores: Floats, sizes: Floats) -> list[tuple[Label, int]]:
    """The runs of equal labels and the unit each begins with, after those that are not sure of their language have been given
    that of their neighbours, or `und`. `scores` are multiplied by `sizes`."""
    runs = [(label, next(units)) for label, units in groupby(range(len(labels)), key=labels.__getitem__)]
    firsts = [first for _, first in runs]
    means = np.add.reduceat(scores, firsts) / np.add.reduceat(sizes, firsts)
    sure = (np.logical_or.reduceat(speaks, firsts) & (means >= FLOOR)).tolist()
    settled: list[tuple[Label, int]] = []
    for index, ((tag, part), first) in enumerate(runs):
        if not sure[index]:
            near = [k for k in (index - 1, index + 1) if 0 <= k < len(runs) and sure[k] and runs[k][0][1] == part]
            beside = {runs[k][0][0] for k in near}
            tag = beside.pop() if len(beside) == 1 else UND
        if not settled or settled[-1][0] != (tag, part):
            settled.append(((tag, part), first))
    return settled


def _script(number: int, tag: str) -> str:
    """ISO 15924 code of the script of most letters; Chinese is not split into Hans and Hant."""
    code = scripts.SCRIPTS[number]
    if code in ("Hani", "Jpan") and tag == "ja":
        return "Jpan"
    return "Kore" if code == "Hang" else code
