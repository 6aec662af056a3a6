"""Gold records for the tests of formats: nested and crossing spans, spans that cut tokens, open topic groups, hard text."""

from __future__ import annotations

from hypothesis import strategies as st

from annotate.model import GoldMeta, GoldRecord, Span
from annotate.schema import parse
from tests.builders import HARD_TEXTS

SCHEMA = parse(
    """
schema: t
entities: {overlap: any, labels: [ORG, LOC, ART.BOOK]}
topics:
- {id: theme, choice: multi, labels: [sport, culture]}
- {id: tone, choice: single, labels: [calm]}
""",
    "t.yaml",
)
SETTLED = {"sport": 0.0, "culture": 1.0, "calm": 0.0}


def gold(
    id: str,
    text: str,
    *parts: tuple[str, str],
    lang: str = "en",
    doc: str = "",
    cats: dict[str, float] = SETTLED,
    spans: tuple[Span, ...] = (),
) -> GoldRecord:
    found = sorted({*spans, *(Span(text.index(p), text.index(p) + len(p), label, p) for p, label in parts)})
    accept = tuple(label for label in cats if cats[label])
    meta = GoldMeta(doc or id, id, lang, "body", 0, len(text), "dev", id, "t@1.0.0", SCHEMA.sha256, "single", 1, ("A1",), -1.0)
    return GoldRecord(id, text, tuple(found), cats, accept, "accept", meta)


SPLITS = {
    "train": [
        gold("a", "University of Turku e\u0301", ("University of Turku", "ORG"), ("Turku", "LOC"), doc="d 1\nß"),
        gold("b", "\n# Seven  Brothers\n\n", ("Seven  Brothers", "ART.BOOK"), doc="d 1\nß", cats={"calm": 1.0}),
        gold("c", "부산대학교에서", ("부산대학교", "ORG"), ("부산", "LOC"), lang="ko"),
        gold("d", "أعلنت بلدية طنجة أمس", ("بلدية طنجة", "ORG"), ("طنجة", "LOC"), lang="ar"),
        gold("e", "The Turkuans 👩‍👩‍👧 sing", ("The Turku", "LOC"), ("uans", "ORG"), cats={}),
    ],
    "test": [gold("f", "-DOCSTART- Oslo <b>&amp;</b>", ("Oslo", "LOC"), lang="no"), gold("g", "  Nada.\n", lang="und")],
}
TOTAL = sum(len(record.spans) for records in SPLITS.values() for record in records)


@st.composite
def records(draw: st.DrawFn) -> GoldRecord:
    """A record in any language whose spans lie anywhere that is not blank."""
    text = draw(st.sampled_from(HARD_TEXTS) | st.text(alphabet="aB1.-# \n\u00a0\u0301é한ก😀\u200d", min_size=1, max_size=20))
    found = set()
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        if text[start:end].strip():
            found.add(Span(start, end, draw(st.sampled_from(SCHEMA.entity_ids)), text[start:end]))
    cats = draw(st.sampled_from([SETTLED, {}, {"calm": 1.0}]))
    return gold("r", text, lang=draw(st.sampled_from(["en", "fi", "ko", "th", "ar", "und"])), cats=cats, spans=tuple(found))
