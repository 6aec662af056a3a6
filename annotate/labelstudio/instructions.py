"""Guidelines → the HTML that Label Studio opens before labeling. Pure.

Its page resets what a browser does with lists and paragraphs, and drops styles: numbers and bullets are written out, blocks are
kept apart by empty lines. Label Studio keeps no slash in `<br />` and no `start` of a list: they are not written, so that what
it keeps is what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token


def instructions(markdown: str) -> str:
    """A Markdown text (CommonMark) as HTML. Markup in it is shown as it stands; each paragraph runs in its own direction."""
    if not markdown.strip():
        return ""
    reader = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False})
    env: dict[str, object] = {}
    blocks = _blocks(reader.parse(markdown, env))
    pieces = []
    for block in blocks:
        _write_markers(block)
        pieces.append(reader.renderer.render(block, reader.options, env).strip())
        if block[0].type != "heading_open":
            pieces.append("<br>")
    return "\n".join(pieces).removesuffix("\n<br>")


def _blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The blocks that stand side by side."""
    depth, block = 0, []
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _write_markers(block: Sequence[Token]) -> None:
    marker = ""
    for token in block:
        if token.type == "list_item_open":
            marker = f"{token.info}{token.markup} " if token.info else "• "
        elif token.type == "inline" and marker:
            indent = "\u2003" * (token.level // 2 - 1)
            token.children = [Token("text", "", 0, content=indent + marker), *(token.children or [])]
            marker = ""
        elif token.tag == "h1":
            token.tag = "h2"  # a first heading would run into the line below it
        token.attrs.pop("start", None)
        if token.nesting == 1:
            token.attrSet("dir", "auto")
