"""Pages: their text, their lines, what the markup says about these, and their encoding."""

from __future__ import annotations

import gc
import itertools
import re
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from annotate.model import Block, Document
from annotate.readers import html, markup, read
from annotate.readers.charset import decode_page
from annotate.readers.opening import Refused


def page(source: str) -> Document:
    return html.to_document("page", source, {})


def lines(source: str) -> list[str]:
    text = page(source).text
    assert text.endswith("\n")
    return text[:-1].split("\n")


def block(source: str, text: str) -> Block:
    """The block whose line is `text`."""
    document = page(source)
    (found,) = [b for b in document.blocks if document.text[b.start : b.end] == text + "\n"]
    return found


# --- the text ---


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hello", ["Hello"]),
        ("<p>one<p>two</p>three", ["one", "two", "three"]),
        ("<div>a<div>b</div>c</div>", ["a", "b", "c"]),
        ("<h1>Head</h1><ul><li>a<li>b</ul>", ["Head", "a", "b"]),
        ("one<br>two<br/><br>three<hr>four", ["one", "two", "three", "four"]),
        ("<p>one <b>two</b><i>three</i> <span>four</span></p>", ["one twothree four"]),
        ("<p>  a \n\t b\u00a0\u3000c&nbsp; </p>", ["a b c"]),
        ("<p> </p><p>&nbsp;</p>x<p></p>", ["x"]),
        ("<pre>\none\n  two\n\nthree</pre>four", ["one", "two", "three", "four"]),
        ("<pre>a <b>b\nc</b> d</pre>e\nf", ["a b", "c d", "e f"]),
        ("<pre>a<pre>b\nc</pre>d\ne</pre>f\ng", ["a", "b", "c", "d", "e", "f g"]),
        ("<p>&lt;b&gt;&amp;amp; &eacute;&#x1F600;&#8212;&copy &nosuch;</p>", ["<b>&amp; é😀—© &nosuch;"]),
        ("<p>a<script>x()</script>b<style>p{}</style>c<!-- no -->d</p>", ["abcd"]),
        ("<p>a</p><noscript>no</noscript><template>no</template><iframe>no</iframe>b", ["a", "b"]),
        ("<table><caption>C<tr><th>a<th>b<tr><td>1<td>2</table>", ["C", "a b", "1 2"]),
        ("<p>ok<button>yes</button><button>no</button>so</p>", ["ok yes no so"]),
        ("<p>a<img>b<input>c<label>d</label>e</p>", ["a b c d e"]),
        ("<select><option>a<option>b</select><textarea>c</textarea>", ["a", "b", "c"]),
        ("<p hidden>shown <span style='display:none'>to the model</span></p>", ["shown to the model"]),
        ("<svg><title>icon</title><text>in</text></svg>", ["iconin"]),
        ("<title>not this</title><p>this", ["this"]),
        ("<a href=x><div>block in link</div></a>after", ["block in link", "after"]),
        ("<p>e\u0301 한글 مرحبا ไทย 👩\u200d👩\u200d👧</p>", ["e\u0301 한글 مرحبا ไทย 👩\u200d👩\u200d👧"]),
        ("<p>a\0b\r\nc\rd</p>", ["ab c d"]),
        ("<p>a\u2028b\x0bc\u0085d</p>", ["a b c d"]),
        ("\ufeff<p>\ufeffx", ["x"]),
        ("<p>\ufeff</p><p>x\ufeff", ["x\ufeff"]),
        ("<my-element>a</my-element> <my-element>b</my-element>", ["a b"]),
    ],
)
def test_each_block_element_makes_a_line(source: str, expected: list[str]) -> None:
    assert lines(source) == expected


def test_every_line_is_a_block() -> None:
    document = page("<h1>A</h1><p>b <i>c</i></p><pre>d\ne</pre>")
    assert [document.text[b.start : b.end] for b in document.blocks] == ["A\n", "b c\n", "d\n", "e\n"]
    assert document.shifts == ()


@pytest.mark.parametrize(
    "source", ["", " \n", "<p>&nbsp;</p>", "<script>x</script>", "<frameset><frame></frameset>", "<!-- x -->"]
)
def test_a_page_without_text_is_refused(source: str) -> None:
    with pytest.raises(Refused) as caught:
        page(source)
    assert caught.value.code == "empty"
    assert caught.value.hint


# --- links ---


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>no link</p>", 0.0),
        ("<p><a href=x>all <b>of</b> it</a></p>", 1.0),
        ("<p>half <a href=x>link</a></p>", 0.5),
        ("<p>a   b <a>cd  </a>   </p>", 0.5),
        ("<a><div>inside</div></a>", 1.0),
        ("<p>x<a></a></p>", 0.0),
        ("<p>ab<a>c</a></p>", 0.3333),
    ],
)
def test_link_density_is_the_share_of_visible_characters_in_links(source: str, expected: float) -> None:
    (found,) = page(source).blocks
    assert found.link_density == expected


def test_the_links_of_one_line_do_not_count_for_the_next() -> None:
    assert [b.link_density for b in page("<a>x<p>y</p></a><p>z</p>").blocks] == [1.0, 1.0, 0.0]


# --- paths ---


@pytest.mark.parametrize(
    ("source", "text", "path"),
    [
        ("x", "x", "html/body"),
        ("<p>a<p>b<div>c</div><p>d", "d", "html/body/p[3]"),
        ("<main><h1>t</h1><p>a</p><script></script><p>b</p></main>", "b", "html/body/main[1]/p[2]"),
        ("<p><b><i>x</i></b></p>", "x", "html/body/p[1]"),
        ("<a><div>x</div></a>", "x", "html/body/a[1]/div[1]"),
        ("<div>a<p>b</p>c</div>", "c", "html/body/div[1]"),
        ("<ul><li>a<li><br>b</ul>", "b", "html/body/ul[1]/li[2]"),
        ("<table><tr><td>x</table>", "x", "html/body/table[1]/tbody[1]/tr[1]"),
    ],
)
def test_the_path_is_that_of_the_innermost_block_element(source: str, text: str, path: str) -> None:
    assert block(source, text).path == path


def test_paths_lead_to_their_elements() -> None:
    source = "<nav><ul><li>a<li>b</ul></nav><!-- --><main><p>c</p>text<p>d <b>e</b></p><section><p>f</p></section></main>"
    document, tree = page(source), LexborHTMLParser(source)
    for found in document.blocks:
        steps = [re.fullmatch(r"(\w+)\[(\d+)\]", step) for step in found.path.split("/")[2:]]
        css = " > ".join(["html > body", *(f"{s[1]}:nth-of-type({s[2]})" for s in steps if s)])
        (element,) = tree.css(css)
        line = document.text[found.start : found.end].strip()
        assert line in " ".join(element.text().split())


# --- cues ---


def cues(source: str) -> list[str]:
    """The cues of the line `x`."""
    return list(block(source, "x").cues)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<div>x</div>", []),
        ("<main><article><h2>x</h2></article></main>", ["main", "article", "h2"]),
        ("<nav><ul><li><a href=x>x</a></ul></nav>", ["nav", "li"]),
        ("<article><article><p>x</p></article></article>", ["article", "p"]),
        ("<figure><figcaption>x</figcaption></figure>", ["figure", "figcaption"]),
        ("<div role=Navigation>x</div>", ["role:navigation"]),
        ("<div role='none presentation'>x</div>", []),
        ("<footer role=contentinfo><div role='dialog alert'>x</div></footer>", ["footer", "role:contentinfo", "role:dialog"]),
        ("<div class='Cookie-banner_2 zzz'>x</div>", ["class:cookie", "class:banner"]),
        ("<div id=siteFooterAds>x</div>", ["class:footer", "class:ad"]),
        ("<div class=GDPRConsent>x</div>", ["class:gdpr", "class:consent"]),
        ("<div class=comments id=comment-7>x</div>", ["class:comment"]),
        ("<span itemprop=author>x</span>", ["class:author"]),
        ("<div class='related'><div class='teaser'>x</div></div>", ["class:teaser", "class:related"]),
        ("<div class=related>" + "<i>" * (markup.NEAR - 1) + "x", ["class:related"]),
        ("<div class=related>" + "<i>" * markup.NEAR + "x", []),
        ("<body class=single-post><p>x</p>", ["p"]),
        ("<div hidden>x</div>", ["hidden"]),
        ("<div style='Display : NONE'><p>x</p></div>", ["hidden", "p"]),
        ("<div aria-hidden=true>x</div><div aria-hidden=false>y</div>", ["hidden"]),
        ("<div class role id style>x</div>", []),
        ("<dialog><button>x</button></dialog>", ["dialog", "button", "has:button"]),
        ("<p><time>x</time></p>", ["p", "time", "has:time"]),
    ],
)
def test_the_markup_around_a_line_is_its_cues(source: str, expected: list[str]) -> None:
    assert cues(source) == expected


def test_images_in_a_style_are_not_remembered() -> None:
    markup._meaning.cache_clear()
    for image in ("AAAA", "BBBB"):
        assert cues(f"<div style='background: url(data:image/png;base64,{image}); display: none'>x</div>") == ["hidden"]
    assert markup._meaning.cache_info().currsize == 1


def test_cues_come_from_what_holds_all_of_the_line() -> None:
    assert block("<p><b class=author>A</b> and <b class=author>B</b></p>", "A and B").cues == ("p",)
    assert block("<p><b class=author><i>A</i> <i>B</i></b> </p>", "A B").cues == ("p", "class:author")
    assert block("<p>By <time>noon</time></p>", "By noon").cues == ("p", "has:time")
    assert block("<p><b class=tag>A</b>B</p>", "AB").cues == ("p",)
    assert block("<p>A<b class=tag>B</b></p>", "AB").cues == ("p",)


def test_the_cues_of_one_line_do_not_reach_the_next() -> None:
    source = "<div><time>a</time><br><b class=tag>b</b><br>c</div>"
    assert [b.cues for b in page(source).blocks] == [("time", "has:time"), ("class:tag",), ()]


def test_every_cue_word_is_split_as_names_are() -> None:
    for word in markup._CUES:
        assert markup._WORD.findall(word) == [word]
        assert word == word.lower()
    assert set(markup._CUES.values()) <= set(markup._CUES)


# --- what is said about the page ---


def test_title_language_and_address_of_the_page() -> None:
    source = (
        "<html lang=' nb-NO '><head><title>A\n &amp; B</title><link rel='Canonical nofollow' href=' https://a.example/x '><p>x"
    )
    assert page(source).meta == {"html_title": "A & B", "html_lang": "nb-NO", "url": "https://a.example/x"}
    assert page("<title> </title><link rel=canonical><link rel=icon href=y><p>x<svg><title>no</title></svg>").meta == {}


def test_what_is_given_goes_before_what_the_page_says() -> None:
    source = "<html lang=de><title>T</title><p>x"
    assert html.to_document("a", source, {"html_lang": "fi", "n": 1}).meta == {"html_title": "T", "html_lang": "fi", "n": 1}


# --- encodings ---


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", "plain"),
        ("é 한".encode(), "é 한"),
        ("é".encode("utf-8-sig"), "é"),
        ("\ufeffé".encode("utf-16-le"), "é"),
        ("\ufeffé".encode("utf-16-be"), "é"),
        (b"caf\xe9 \x93quoted\x94", "café “quoted”"),
        (b"<meta charset=iso-8859-1>caf\xe9 \x80", "café €"),
        (b'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=windows-1251">' + "Привет".encode("cp1251"), "Привет"),
        (b"<meta charset='koi8-r'>" + "Привет".encode("koi8-r"), "Привет"),
        (b"<meta charset=Shift_JIS>" + "①日本".encode("cp932"), "①日本"),
        (b"<meta charset=x-sjis>" + "日本".encode("cp932"), "日本"),
        (b"<meta charset=gb2312>" + "镕中文".encode("gb18030"), "镕中文"),
        (b"<meta charset=euc-kr>" + "똠한국".encode("cp949"), "똠한국"),
        (b"<meta charset=big5>" + "中文".encode("big5"), "中文"),
        (b"<meta charset=iso-2022-jp>" + "日本".encode("iso2022_jp"), "日本"),
        (b"<meta charset=tis-620>" + "ไทย".encode("tis-620"), "ไทย"),
        (b'<?xml version="1.0" encoding="iso-8859-2"?>' + "łódź".encode("iso8859-2"), "łódź"),
        (b"<meta charset=iso-8859-1>" + "déjà".encode(), "déjà"),
        (b"<meta charset=utf-8>caf\xe9 bar", "caf\ufffd bar"),
        (b"<meta charset=utf-16>caf\xe9", "caf\ufffd"),
        (b"<meta charset=nonsense>caf\xe9", "café"),
        (b"<meta charset=nonsense><meta charset=windows-1253>" + "αβγ".encode("cp1253"), "αβγ"),
        (b"<meta charset=unicode_escape>\\u0041\xe9", "\\u0041é"),
        (b"<meta charset=utf-7>+AGE-\xe9", "+AGE-é"),
        (b"<meta charset=base64>\xe9", "é"),
        (b"<p>charset=koi8-r</p>caf\xe9", "café"),
        (b"x" * 9000 + b"<meta charset=koi8-r>caf\xe9", "café"),
    ],
)
def test_a_page_is_decoded_by_mark_then_bytes_then_declaration(data: bytes, expected: str) -> None:
    assert decode_page(data).endswith(expected)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_decoded(data: bytes) -> None:
    decode_page(data).encode()


def test_a_stray_nul_far_down_does_not_make_a_page_binary(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"<p>" + b"word " * 400 + b"e\0nd")
    (tmp_path / "b.html").write_bytes("<p>Füße".encode("utf-16"))
    rejects: list[object] = []
    ends = [d.text[-4:] for d in read([tmp_path], rejects.append)]
    assert ends == ["end\n", "üße\n"]
    assert rejects == []


# --- bad pages ---


@pytest.mark.parametrize("tag", ["div", "b", "span", "a", "li", "object", "font"])
def test_deep_nesting_is_read(tag: str) -> None:
    document = page(f"<{tag} class=nav>" * 50_000 + "deep")
    assert document.text == "deep\n"
    assert document.blocks[0].path.count("/") <= markup.DEEPEST + 1


def test_a_line_on_each_of_many_levels_costs_no_more_than_the_page() -> None:
    document = page("".join(f"<div class=nav>{n}" for n in range(10_000)) + "</div>tail" * 10_000)
    assert len(document.blocks) == 20_000
    assert len({b.path for b in document.blocks}) == markup.DEEPEST + 1


def test_a_page_is_freed_as_soon_as_it_is_read() -> None:
    made: list[weakref.ref[markup.Element]] = []

    class Watched(markup.Element):
        __slots__ = ("__weakref__",)

        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)
            made.append(weakref.ref(self))

    gc.disable()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(html, "Element", Watched)
            page("<div><p>a<b>b</b></p><p>c</p></div>")
        assert len(made) == 5
        assert not any(ref() for ref in made)
    finally:
        gc.enable()


TAGS = [
    "p",
    "div",
    "a",
    "b",
    "br",
    "pre",
    "table",
    "tr",
    "td",
    "li",
    "button",
    "time",
    "script",
    "select",
    "option",
    "svg",
    "h1",
]
PIECES = st.one_of(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]),
    st.sampled_from(
        [" ", "\n", "&nbsp;", "&amp;", "<!--", "-->", "<", "\0", "word", "é", "e\u0301", "ไทย", "👩\u200d👧", "<p class='ad"]
    ),
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_lines_are_clean_and_blocks_tile_the_text(source: str) -> None:
    try:
        document = page(source)
    except Refused:
        return
    for found in document.blocks:
        line = document.text[found.start : found.end]
        assert line == " ".join(line.split()) + "\n" != "\n"
        assert 0.0 <= found.link_density <= 1.0
        assert len(set(found.cues)) == len(found.cues)
        assert found.path.startswith("html/body")
    assert all(left.end == right.start for left, right in itertools.pairwise(document.blocks))
    assert page(source) == document


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_visible_character_is_lost_or_made(source: str) -> None:
    body = LexborHTMLParser(source).body
    assert body is not None
    shown = []
    for node in body.traverse(include_text=True):
        ancestors = []
        parent = node.parent
        while parent is not None:
            ancestors.append(parent.tag)
            parent = parent.parent
        if node.tag == "-text" and not {"script", "style"} & set(ancestors):
            shown += (node.text_content or "").split()
    try:
        text = page(source).text
    except Refused:
        text = ""
    assert "".join(text.split()) == "".join(shown)
