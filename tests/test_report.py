"""The page to look at a segmentation."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate import report
from annotate.codec import dumps
from annotate.errors import ReadError
from annotate.model import REGIONS, Segment
from annotate.report import Overview, escaped_json, page, show
from tests.builders import HARD_TEXTS, segment, segments

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script> -->",
    "]]> </SCRIPT\t> &lt;b&gt; <b>bold</b>",
    "lines\u2028and\u2029paragraphs",
    "{{data}} {{script_sha256}}",
)
TEMPLATE = Path(report.__file__).with_name("report.html")


class Reader(HTMLParser):
    """The elements of a page, and what its scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

        self.inside = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1] += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def data(html: str) -> Any:
    return json.loads(read(html).scripts[0])


def overview(records: Iterable[Segment], *, sample: int = 200, seed: int = 0) -> Overview:
    view = Overview(sample, seed)
    for record in records:
        view.add(record)
    return view


def corpus(count: int) -> list[Segment]:
    return [part for number in range(count) for part in segments(["Title\n", "Body."], doc_id=f"{number}.txt")]


def test_texts_come_back_and_break_nothing() -> None:
    texts = [*HOSTILE, *HARD_TEXTS]
    html = page(overview(segments(texts, doc_id="</script><b>a", lang="</script>")), title="</title><b>")
    reader = read(html)
    plain = read(page(overview([segment()]), title="plain"))
    assert [tag for tag, _ in reader.elements] == [tag for tag, _ in plain.elements], "no markup from outside"
    (document,) = json.loads(reader.scripts[0])["sample"]
    assert [part["text"] for part in document["segments"]] == texts
    assert document["id"] == "</script><b>a"
    assert html.count("alert(1)") == 1


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_escaped_json_is_json_without_markup(content: object) -> None:
    escaped = escaped_json(content)
    assert json.loads(escaped) == content
    assert not set(escaped) & set("<>&\u2028\u2029")


def test_the_page_runs_its_own_script_and_asks_nobody() -> None:
    html = page(overview(segments(HOSTILE)), title="t")
    reader = read(html)
    policy = next(attributes["content"] for tag, attributes in reader.elements if "http-equiv" in attributes)
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(reader.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    addresses = [value for _, attributes in reader.elements for name, value in attributes.items() if name in ("src", "href")]
    assert addresses == ["data:,"]
    source = TEMPLATE.read_text(encoding="utf-8")
    assert not re.search(r"//\w+\.|@import|url\(|fetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|eval\(", source)
    assert len(source.encode()) < 100_000


def test_every_region_has_a_colour_of_its_own() -> None:
    hues = dict(re.findall(r"\.(\w+) \{ --hue: (#\w{6}); \}", TEMPLATE.read_text(encoding="utf-8")))
    assert set(hues) == set(REGIONS)
    assert len(set(hues.values())) == len(REGIONS)


def test_what_the_corpus_holds() -> None:
    records = [
        *segments(["Otsikko\n", "Leipä on tuoretta."], doc_id="a", lang="fi"),
        segment("Bread is fresh.", doc_id="b", region="promo"),
        segment("Evästeet", doc_id="c", lang="fi", region="cookie_notice"),
    ]
    content = data(page(overview(records), title="bread.jsonl"))
    assert content["title"] == "bread.jsonl"
    assert (content["documents"], content["segments"], content["characters"]) == (3, 4, 49)
    assert content["regions"] == ["body", "cookie_notice", "promo"]
    finnish, english = content["languages"]
    assert finnish == {
        "lang": "fi",
        "documents": 2,
        "characters": 34,
        "segments": 3,
        "regions": {"body": 2, "cookie_notice": 1},
    }
    assert (english["lang"], english["documents"], english["regions"]) == ("en", 1, {"promo": 1})


def test_a_sample_is_drawn_by_the_seed_and_the_table_counts_all() -> None:
    records = corpus(50)
    view = overview(records, sample=10)
    content = data(page(view, title="t"))
    assert (content["documents"], content["segments"], len(content["sample"])) == (50, 100, 10)
    assert all(len(document["segments"]) == 2 for document in content["sample"])
    ids = [document["id"] for document in content["sample"]]
    assert ids == sorted(ids, key=lambda name: int(name.removesuffix(".txt"))), "in the order of the corpus"
    assert set(overview(records[::-1], sample=10).chosen()) == set(ids), "whatever that is"
    assert set(overview(records, sample=10, seed=1).chosen()) != set(ids)
    assert set(ids) < set(overview(records, sample=20).chosen()), "a larger sample holds the smaller one"


def test_segments_of_a_document_need_not_stand_together() -> None:
    records = sorted(corpus(30), key=lambda record: (-record.start, record.doc_id))
    for document in overview(records, sample=7).chosen().values():
        assert [part.text for part in document] == ["Title\n", "Body."]


def test_long_segments_are_cut() -> None:
    (document,) = data(page(overview([segment("x" * 4000)]), title="t"))["sample"]
    (part,) = document["segments"]
    assert (len(part["text"]), part["end"]) == (3000, 4000)


def write(path: Path, records: Iterable[Segment]) -> Path:
    path.write_bytes(b"".join(dumps(record) + b"\n" for record in records))
    return path


def test_the_same_segments_give_the_same_bytes(tmp_path: Path) -> None:
    source = write(tmp_path / "segments.jsonl", corpus(5))
    done = show(source, tmp_path / "one.html", sample=3)
    assert (done.documents, done.shown, done.segments, done.characters, done.rejected) == (5, 3, 10, 55, {})
    show(source, tmp_path / "two.html", sample=3)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert str(tmp_path) not in (tmp_path / "one.html").read_text(encoding="utf-8")


def test_nothing_to_show(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.jsonl", [])
    with pytest.raises(ReadError, match="no segment") as problem:
        show(empty, tmp_path / "page.html", sample=3)
    assert "annotate segment" in problem.value.hint
    (tmp_path / "bad.jsonl").write_text("{}\n")
    with pytest.raises(ReadError, match="no segment") as problem:
        show(tmp_path / "bad.jsonl", tmp_path / "page.html", sample=3)
    assert "page.rejects.jsonl" in problem.value.hint
    assert (tmp_path / "page.rejects.jsonl").exists()
    assert not (tmp_path / "page.html").exists()
