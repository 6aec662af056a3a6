"""The report as a page: complete in itself, and texts from the web stay texts."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from annotate.agreement import agree, page
from tests.agreement.test_agreement import GROUPS, HARD, noisy, said, segment


class Parsed(HTMLParser):
    """Elements, their attributes and texts; the page must be well-formed."""

    VOID = frozenset(("meta",))

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_it_is_complete_in_itself_and_runs_nothing() -> None:
    parsed = Parsed(page(agree(noisy(), GROUPS, bootstrap=20, worst=3, url="http://ls.example"), title="a.jsonl"))
    assert {name for name, _ in parsed.elements}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert not [attributes for _, attributes in parsed.elements if any(name.startswith("on") for name in attributes)]
    (policy,) = [one["content"] for one in parsed.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in parsed.text
    assert {str(one["href"]) for one in parsed.all("a")} == {"http://ls.example/projects/1/data?task=1"}


def test_it_shows_every_figure_and_every_reason() -> None:
    report = agree([*noisy(), said("z", segment(900, lang="sv"), kind="report")], GROUPS, bootstrap=20, worst=3)
    text = Parsed(page(report, title="a.jsonl")).text
    spans, kind = report.overall.spans, report.overall.topics["kind"]
    for score in (spans.alpha_u, spans.alpha_any, spans.exact_f1, kind.alpha, kind.fleiss):
        assert score is not None
        assert f"{score.value:.3f}" in text
        assert f"[{score.interval[0]:.2f}, {score.interval[1]:.2f}]" in text
    assert spans.alpha_cu.reason in text
    assert "1 single" in text
    assert "the tasks have no addresses" in text


@pytest.mark.parametrize("text", [*HARD, "<script>alert(1)</script> & 'quotes' \"too\""])
def test_texts_stay_texts(text: str) -> None:
    where = segment(0, text, doc_id="<b>&.html")
    report = agree([said("a", where, [(0, 8, "PER")]), said("b", where)], GROUPS, bootstrap=0, worst=1)
    parsed = Parsed(page(report, title="<i>.jsonl"))
    assert "".join(text.split()) in "".join(parsed.text.split())
    assert not {"script", "i b"} & {name for name, _ in parsed.elements}
    assert "<b>&.html" in parsed.text


def test_the_same_report_gives_the_same_bytes() -> None:
    one, other = (page(agree(noisy(), GROUPS, bootstrap=20, worst=5), title="a") for _ in range(2))
    assert one == other


def test_nothing_to_compare() -> None:
    text = Parsed(page(agree([]), title="a")).text
    assert "0 segments" in text
    assert "no segment was submitted by two annotators" in text


def test_a_long_segment_is_cut() -> None:
    where = segment(0, "word " * 1000)
    report = agree([said("a", where, [(0, 4, "PER"), (4900, 4904, "PER")]), said("b", where)], GROUPS, bootstrap=0, worst=1)
    parsed = Parsed(page(report, title="a"))
    assert "3,800 more characters" in parsed.text
    assert len(parsed.all("mark")) == 1
