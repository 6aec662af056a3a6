"""Which languages a document is in.

A language that a few short lines look like has to explain more than it costs to assume it (minimum description length, as in
Yamaguchi & Tanaka-Ishii 2012).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from annotate.detectors import varieties
from annotate.detectors.evidence import CAP, Evidence
from annotate.tiling.decoding import decode_languages
from annotate.tiling.units import Floats, Ints

ENGLISH, USUAL, RARE, UNLISTED = 8.0, 9.0, 16.0, 24.0
"""What a further language of a document must explain, in nats: English is on every page, 60 languages are usual on the web; a
language that the user's list leaves out must be beyond doubt before its text becomes `und`."""
USUAL_LANGUAGES = frozenset(
    """af ar az be bg bn bs ca cs da de el es et eu fa fi fr gl gu he hi hr hu hy id is it ja ka kk km kn ko lo lt lv mk ml mn
    mr ms my ne nl no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh""".split()
)

CANDIDATE_LETTERS, CANDIDATE_POSTERIOR, CANDIDATES = 24, 0.75, 8
"""A candidate language is the probable one of some unit of that many letters; at most so many, by what they explain."""

_ROWS = 1 << 12
"""Units looked at together."""

VARIETY_DETECTOR = 0.1
"""How far the detector is heard between near-identical languages; its models of them are trained on texts of different
kinds."""


def entry_costs(tags: Sequence[str], wanted: Sequence[str]) -> Floats:
    """What each language must explain to be one of the document's, `(len(tags),)`, in nats."""
    costs = np.array([ENGLISH if tag == "en" else USUAL if tag in USUAL_LANGUAGES else RARE for tag in tags])
    if wanted:
        costs += [0.0 if tag in wanted else UNLISTED for tag in tags]
    for group in varieties.GROUPS:  # its first member stands for all of them
        columns = [tags.index(tag) for tag in group]
        costs[columns[0]] = costs[columns].min()
    return costs


def find_languages(evidence: Evidence, gaps: Ints, costs: Floats) -> list[int]:
    """The languages of the document, as columns of the evidence: those that its longer units probably are in, without those
    that explain less than they cost. Near-identical languages count as one, the first of their group."""
    pool = _candidates(evidence, costs)
    while len(pool) > 1:
        emissions = evidence.of(pool)
        path = decode_languages(emissions, gaps)
        runs = np.flatnonzero(np.diff(path, prepend=-1))
        own = np.arange(len(runs)), path[runs]
        sums = np.add.reduceat(emissions, runs, axis=0)
        explained = sums[own]
        sums[own] = -np.inf
        surplus = np.bincount(own[1], weights=explained - sums.max(axis=1), minlength=len(pool)) - costs[pool]
        surplus[np.bincount(path, weights=evidence.letters, minlength=len(pool)).argmax()] = np.inf
        worst = int(surplus.argmin())
        if surplus[worst] >= 0:
            break
        del pool[worst]
    return pool


def _candidates(evidence: Evidence, costs: Floats) -> list[int]:
    """The main language, and those that a unit of some length probably is in, sorted."""
    sums = -costs
    likely = np.zeros(len(costs), dtype=np.bool_)
    for some, posterior in _posteriors(evidence, costs):
        speaks = evidence.speaks[some]
        sums += np.maximum(evidence.scores[some], -CAP)[speaks].sum(axis=0, dtype=np.float64)
        telling = speaks & (evidence.letters[some] >= CANDIDATE_LETTERS)
        likely |= (posterior[telling] > CANDIDATE_POSTERIOR).any(axis=0)
    main, probable = int(sums.argmax()), np.flatnonzero(likely)
    if len(probable) > CANDIDATES:
        mass = np.zeros(len(probable))
        for some, posterior in _posteriors(evidence, costs):
            mass += evidence.letters[some] @ posterior[:, probable].astype(np.float64)
        probable = probable[np.argsort(-mass, kind="stable")[:CANDIDATES]]
    return sorted({main, *probable.tolist()})


def _posteriors(evidence: Evidence, costs: Floats) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """The probabilities of all languages by each unit alone, stretch by stretch of the document."""
    prior = (0.5 * costs).astype(np.float32)
    for first in range(0, len(evidence), _ROWS):
        some = slice(first, first + _ROWS)
        posterior: NDArray[np.float32] = np.exp(evidence.scores[some] - prior)
        posterior /= posterior.sum(axis=1, keepdims=True)
        yield some, posterior


def rest(evidence: Evidence, candidates: Sequence[int], costs: Floats) -> Floats:
    """The score of each unit for the best of all other languages, `(n,)`: what the document's languages compete with."""
    best = np.empty(len(evidence))
    for first in range(0, len(evidence), _ROWS):
        scores = np.maximum(evidence.scores[first : first + _ROWS], -CAP) - (0.5 * costs).astype(np.float32)
        scores[:, list(candidates)] = -CAP
        best[first : first + _ROWS] = scores.max(axis=1)
    return np.where(evidence.speaks, best, 0.0)


def decide_varieties(
    tags: Sequence[str], texts: Sequence[str], gaps: Ints, evidence: Evidence, wanted: Sequence[str]
) -> list[str]:
    """The units' labels with each group of near-identical languages replaced by its members, decided on all of the group's
    text."""
    decided = list(tags)
    first = 0
    for group in varieties.GROUPS:
        columns = [first + k for k, tag in enumerate(group) if not wanted or tag in wanted]
        first += len(group)
        if group[0] not in tags or not columns:
            continue
        members = [tag for tag in group if not wanted or tag in wanted]
        where = [i for i, tag in enumerate(tags) if tag == group[0]]
        scores = evidence.varieties[np.ix_(where, columns)].astype(np.float64) * VARIETY_DETECTOR
        scores[0] += [varieties.PRIOR.get(tag, 0.0) for tag in members]
        for row, i in zip(scores, where, strict=True):
            found = varieties.cues(texts[i])
            row += [found.get(tag, 0.0) for tag in members]
        for i, k in zip(where, decode_languages(scores, gaps[where]).tolist(), strict=True):
            decided[i] = members[k]
    return decided
