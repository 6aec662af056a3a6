"""HTML: the text of a page, one line for each block element, with what the markup says about each line.

Nothing is taken away but what is not shown as text (scripts, styles, templates): which part of the page a line plays is for the
region model to say. White space is collapsed; `<br>` and the line ends of `<pre>` end a line. Errors are corrected
as browsers do (HTML Living Standard, 13.2; parsed by lexbor).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from selectolax.lexbor import LexborHTMLParser, LexborNode

from annotate.model import Block, Document
from annotate.readers.charset import decode_page
from annotate.readers.markup import Element
from annotate.readers.opening import UTF16, Refused, refuse_nul, whole

_UNSHOWN = frozenset(("script", "style", "noscript", "template", "iframe", "noframes", "head"))
_BLOCK_NAMES = """
address article aside audio blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure footer
form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p picture pre search section
select summary table tbody textarea tfoot thead tr ul video
"""
_BLOCK = frozenset(_BLOCK_NAMES.split())
"""Elements that begin and end a line."""

_SPACED = frozenset(("td", "th", "button", "input", "img", "label", "object"))
"""Inline elements with white space on both sides."""

_TELLING = frozenset(("time", "button", "label"))
"""Inline elements that are a cue for the line they stand in."""

_INLINE = _SPACED | _TELLING
"""Those that leave a trace in the line."""

_SNIFFED = 1445
"""How far a NUL makes a file binary (WHATWG MIME Sniffing Standard, 5.1); the parser drops later ones, as browsers do."""


def documents(stream: BinaryIO, name: str) -> Iterator[tuple[int, Document]]:
    """The one document of an HTML file. Raises `Refused`."""
    data = whole(stream)
    if not data.startswith(UTF16):
        refuse_nul(data[:_SNIFFED])
    yield -1, to_document(name, decode_page(data), {})


def to_document(doc_id: str, page: str, meta: Mapping[str, Any]) -> Document:
    """The document of a page: its text, its lines as blocks, and in `meta`, where they are not given, `html_title`, `html_lang`
    and `url` (the canonical one) if the page has them. Raises `Refused` when there is no text to see."""
    tree = LexborHTMLParser(page)
    lines = _Lines()
    if tree.body is not None:
        _walk(tree.body, lines)
    if not lines.blocks:
        raise Refused("empty", "the page shows no text", _why_empty(tree), id=doc_id)
    return Document(doc_id, "".join(lines.texts), {**_about(tree), **meta}, tuple(lines.blocks))


class _Lines:
    """Gathers the text between two block boundaries into a line, and what it stands in.

    The path of a line is that of the innermost block element; its cues come from the innermost element that holds all of it,
    and `has:` cues come from what stands inside it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.blocks: list[Block] = []
        self.parts: list[str] = []
        """The line so far; nothing while there is none."""
        self.lowest = 0
        """The least depth since the line began."""
        self._length = 0
        self._inside: dict[str, None] = {}
        self._linked = 0  # visible characters in links
        self._holder: Element | None = None  # holds all of the line so far

    def edge(self, tag: str) -> None:
        """An element begins or ends."""
        if tag in _BLOCK:
            if self.parts:
                self.end()
        elif tag in _INLINE:
            self.parts.append(" " if tag in _SPACED else "")
            if tag in _TELLING:
                self._inside[f"has:{tag}"] = None

    def add(self, text: str, element: Element) -> None:
        self.parts.append(text)
        if text.isspace() or not text:
            return
        holder = self._holder
        if holder is None:
            self._holder, self.lowest = element, element.depth
        elif self.lowest < holder.depth:
            self._holder = holder.ancestor(self.lowest)
        if element.in_link:
            self._linked += len("".join(text.split()))

    def add_lines(self, text: str, element: Element) -> None:
        first, *others = text.split("\n")
        self.add(first, element)
        for other in others:
            self.end()
            self.add(other, element)

    def end(self) -> None:
        if self._holder is not None:
            words = "".join(self.parts).split()
            if words := words if self.texts else _without_bom(words):
                self._append(words, self._holder)
            self._holder, self._linked = None, 0
        self.parts.clear()
        self._inside.clear()

    def _append(self, words: list[str], holder: Element) -> None:
        line = " ".join(words) + "\n"
        visible = len(line) - len(words)
        density = round(self._linked / visible, 4) if self._linked else 0.0
        cues = (*holder.cues(), *self._inside) if self._inside else holder.cues()
        start, self._length = self._length, self._length + len(line)
        self.texts.append(line)
        self.blocks.append(Block(start, self._length, (holder.block or holder).path, density, cues))


def _without_bom(words: list[str]) -> list[str]:
    """A text does not begin with a byte order mark, not even with one a script has put into the page."""
    first = words[0].lstrip("\ufeff")
    return [first, *words[1:]] if first else words[1:]


def _walk(body: LexborNode, lines: _Lines) -> None:
    """Visit the page in document order, without recursion: pages nest as deep as their writers' mistakes."""
    parts = lines.parts
    element, node, pre = Element(body, "body", None, is_block=True), body.first_child, 0
    while True:
        if node is None:
            lines.edge(element.tag)
            pre -= element.tag == "pre"
            parent = element.parent
            if parent is None:
                return
            if parent.depth < lines.lowest:
                lines.lowest = parent.depth
            element, node = parent, element.node.next
            continue
        tag = node.tag or "-"
        if tag == "-text":
            text = node.text_content or ""
            if pre:
                lines.add_lines(text, element)
            elif parts or not text.isspace():  # most texts are white space between blocks
                lines.add(text, element)
        elif tag[0] != "-":
            children = element.children
            children[tag] = children.get(tag, 0) + 1
            if tag not in _UNSHOWN:
                lines.edge(tag)
                if (child := node.first_child) is not None:
                    element, node = Element(node, tag, element, is_block=tag in _BLOCK), child
                    pre += tag == "pre"
                    continue
                lines.edge(tag)
        node = node.next


def _about(tree: LexborHTMLParser) -> dict[str, str]:
    found = {"html_title": "", "html_lang": (tree.root.attributes.get("lang") or "").strip() if tree.root else "", "url": ""}
    node = tree.head.first_child if tree.head else None
    while node is not None:
        if node.tag == "title":
            found["html_title"] = found["html_title"] or " ".join(node.text().split())
        elif node.tag == "link" and "canonical" in (node.attributes.get("rel") or "").lower().split():
            found["url"] = found["url"] or (node.attributes.get("href") or "").strip()
        node = node.next
    return {key: value for key, value in found.items() if value}


def _why_empty(tree: LexborHTMLParser) -> str:
    if tree.css_first("script, noscript") is not None:
        return "it makes its text with JavaScript: save the page as a browser shows it"
    return "it holds markup only"
