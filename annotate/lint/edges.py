"""Where a span may end: graphemes, words, punctuation.

Boundaries of graphemes follow the extended grapheme clusters of Unicode Standard Annex 29 in what matters for spans: combining
and spacing marks, joiners, variation selectors, emoji modifiers and sequences, flags, Hangul jamo, CR LF.
"""

from __future__ import annotations

import re
import unicodedata

from annotate.model import Span


def trimmed(span: Span) -> Span:
    """The span without white space at its ends."""
    text = span.text.strip()
    start = span.start + len(span.text) - len(span.text.lstrip())
    return Span(start, start + len(text), span.label, text)


def whole_graphemes(text: str, span: Span) -> Span:
    """The span with its ends moved outwards, off the middle of graphemes."""
    start, end = span.start, span.end
    while not is_grapheme_boundary(text, start):
        start -= 1
    while not is_grapheme_boundary(text, end):
        end += 1
    return Span(start, end, span.label, text[start:end])


def whole_words(text: str, span: Span) -> Span:
    """The span with its ends moved outwards, off the middle of words."""
    start, end = span.start, span.end
    if cuts_word(text, start):
        while start and _in_word(text[start - 1]):
            start -= 1
    if cuts_word(text, end):
        while end < len(text) and _in_word(text[end]):
            end += 1
    return Span(start, end, span.label, text[start:end])


def is_grapheme_boundary(text: str, at: int) -> bool:
    """Whether an extended grapheme cluster ends at `at`; both ends of the text are boundaries."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return False
    if _is_control(before) or _is_control(after):
        return True
    if _extends(after):
        return False
    if before == "\u200d" and _is_pictograph(after):
        base = at - 2
        while base > 0 and _extends(text[base]):
            base -= 1
        return base < 0 or not _is_pictograph(text[base])
    if _is_flag_half(before) and _is_flag_half(after):
        run = len(text[:at]) - len(text[:at].rstrip(_FLAG_HALVES))
        return run % 2 == 0
    return not _joins_jamo(before, after)


_FLAG_HALVES = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_SPACING_VOWELS = "\u0e33\u0eb3"
"""Thai and Lao AM: letters that are seen as one with the one before."""


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Zl", "Zp") or (
        unicodedata.category(char) == "Cf" and char not in "\u200c\u200d" and not "\U000e0020" <= char <= "\U000e007f"
    )


def _extends(char: str) -> bool:
    return (
        unicodedata.category(char)[0] == "M"
        or char in "\u200c\u200d\uff9e\uff9f"
        or char in _SPACING_VOWELS
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _is_pictograph(char: str) -> bool:
    return unicodedata.category(char) == "So" and not _is_flag_half(char)


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _joins_jamo(before: str, after: str) -> bool:
    """Hangul: leading consonants, vowels and trailing consonants of one syllable."""
    left, right = _jamo(before), _jamo(after)
    return (left, right) in {("L", "L"), ("L", "V"), ("L", "LV"), ("L", "LVT")} or (
        (left in ("V", "LV") and right in ("V", "T")) or (left in ("T", "LVT") and right == "T")
    )


_JAMO = (
    ("L", 0x1100, 0x115F),
    ("L", 0xA960, 0xA97C),
    ("V", 0x1160, 0x11A7),
    ("V", 0xD7B0, 0xD7C6),
    ("T", 0x11A8, 0x11FF),
    ("T", 0xD7CB, 0xD7FB),
)


def _jamo(char: str) -> str:
    point = ord(char)
    if 0xAC00 <= point <= 0xD7A3:
        return "LVT" if (point - 0xAC00) % 28 else "LV"
    return next((kind for kind, first, last in _JAMO if first <= point <= last), "")


def grapheme_at(text: str, at: int) -> str:
    """The grapheme that `at` lies in."""
    start, end = at - 1, at + 1
    while start and not is_grapheme_boundary(text, start):
        start -= 1
    while end < len(text) and not is_grapheme_boundary(text, end):
        end += 1
    return text[start:end]


# -- words and punctuation -------------------------------------------------------------------------------------------------

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u3400-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, Chinese and Japanese, written without spaces, and Korean, whose particles are written
together with the name before them: there the middle of a run of letters is no finding."""


def cuts_word(text: str, at: int) -> bool:
    """Whether `at` lies between two letters, or two digits, of one word. Marks count with the letter before them."""
    if not 0 < at < len(text):
        return False
    last = at - 1
    while last and _is_mark(text[last]):
        last -= 1
    before, after = text[last], text[at]
    if _UNSPACED.match(before) or _UNSPACED.match(after):
        return False
    return (before.isalpha() and after.isalpha()) or (before.isdecimal() and after.isdecimal())


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" or char in "\u200c\u200d"


def word_at(text: str, at: int) -> str:
    """The run of letters, digits and marks around `at`."""
    start = end = at
    while start and _in_word(text[start - 1]):
        start -= 1
    while end < len(text) and _in_word(text[end]):
        end += 1
    return text[start:end]


def _in_word(char: str) -> bool:
    return char.isalnum() or _is_mark(char)


_CLOSERS = dict(zip("([{«‹“‘„‚「『《〈【（", (")", "]", "}", "»", "›", "”", "’", "“”", "‘’", *"」』》〉】）"), strict=True))
"""Opening mark → what may close it."""

_OPENERS = {mark: [opener for opener, marks in _CLOSERS.items() if mark in marks] for mark in "".join(_CLOSERS.values())}
_LOOSE = frozenset(",;:!?…、。，；：！？؛،؟۔।॥·–—")
_ABBREVIATED = 4
"""Letters up to which a word before a full stop may be an abbreviation."""


def loose_punctuation(text: str) -> list[str]:
    """Punctuation at the ends of a span that is no half of a pair inside it and ends no abbreviation. Apostrophes belong to
    words."""
    first, last = text[0], text[-1]
    found = [first] if _loose_first(first, text[1:]) else []
    if len(text) > 1 and (_loose_last(last, text[:-1]) or (last == "." and _ends_sentence(text[:-1]))):
        found.append(last)
    return found


_NEVER_NAMED = frozenset(',;:、，；：،؛"([{«»‹›“”„)]}「」『』《》〈〉【】（）')
"""Marks that stand at the edge of no name on their own. Names do end in `!`, `?`, `.`, `。` and `…`, and begin with `‘`."""


def without_punctuation(span: Span, *, any_mark: bool = False) -> Span:
    """The span without the loose punctuation at its ends that cannot belong to a name (`any_mark`: all that is loose), and
    without the white space beside it. A span without letters and digits stays as it is."""
    text = span.text
    if not any(map(str.isalnum, text)):
        return span
    start = _loose_first(text[0], text[1:]) and (any_mark or text[0] in _NEVER_NAMED)
    sentence = any_mark and text[-1] == "." and _ends_sentence(text[:-1])
    end = sentence or (_loose_last(text[-1], text[:-1]) and (any_mark or text[-1] in _NEVER_NAMED))
    return trimmed(Span(span.start + start, span.end - end, span.label, text[start : len(text) - end]))


def _loose_first(mark: str, rest: str) -> bool:
    if mark in _CLOSERS:
        return not any(closer in rest for closer in _CLOSERS[mark])
    return mark in _LOOSE or (mark in _OPENERS and mark != "’") or (mark == '"' and rest.count('"') % 2 == 0)


def _loose_last(mark: str, rest: str) -> bool:
    if mark in _OPENERS:
        return mark != "’" and not any(opener in rest for opener in _OPENERS[mark])
    return mark in _LOOSE or mark in _CLOSERS or (mark == '"' and rest.count('"') % 2 == 0)


def _ends_sentence(text: str) -> bool:
    word = text.split()[-1] if text.split() else ""
    return len(word) > _ABBREVIATED and "." not in word
