"""Guidelines as Label Studio shows them before labeling."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from annotate.labelstudio.instructions import instructions
from annotate.testing.cleaning import cleaned


def test_numbers_and_bullets_are_written_out() -> None:
    shown = instructions("3. first\n4. second\n   - inner\n\n- bullet")
    for part in (">3. first<", ">4. second", ">\u2003• inner<", ">• bullet<"):
        assert part in shown


def test_blocks_are_kept_apart_and_headings_stand_close_to_their_text() -> None:
    assert instructions("# Names\n\nOne.\n\nTwo.") == (
        '<h2 dir="auto">Names</h2>\n<p dir="auto">One.</p>\n<br>\n<p dir="auto">Two.</p>'
    )


def test_no_guidelines_are_no_instruction() -> None:
    assert instructions(" \n") == ""


@given(st.text("ab 12.-*#>`!|_~&<\"'\\\\()[]{}\n\t é한⛵\u0627", max_size=80))
@example("one\\\ntwo")
@example("***")
@example("3. three\n7) seven")
@example('![a "b"](c.png "d\'s")')
def test_label_studio_keeps_them_as_they_are(text: str) -> None:
    shown = instructions(text)
    assert cleaned(shown) == shown


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)


@given(st.text("<b>script&amp;\"' \n", max_size=40))
def test_markup_in_guidelines_is_shown_not_obeyed(text: str) -> None:
    tags = _Tags()
    tags.feed(instructions(text))
    assert tags.found <= {"p", "br", "blockquote", "pre", "code"}
