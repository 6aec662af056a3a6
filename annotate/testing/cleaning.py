"""What Label Studio makes of the HTML of an instruction before it keeps it. Pure."""

from __future__ import annotations

import re
from html import escape
from html.entities import html5
from html.parser import HTMLParser
from urllib.parse import urlsplit

_TAGS = frozenset(
    """html base head link meta style title body address article aside footer header h1 h2 h3 h4 h5 h6 main nav section
    blockquote dd div dl dt figcaption figure hr li menu ol p pre ul a abbr b bdi bdo br cite code data dfn em i kbd
    mark q rp rt ruby s samp small span strong sub sup time u var wbr area audio img map track video embed iframe
    object picture portal source svg math canvas noscript script del ins caption col colgroup table tbody td tfoot th
    thead tr button datalist fieldset form input label legend meter optgroup option output progress select textarea
    details dialog summary slot template""".split()
)
_ATTRIBUTES = frozenset(
    """align alink alt bgcolor border cellpadding cellspacing class color cols colspan coords dir face href height hspace ismap
    lang marginheight marginwidth multiple name nohref noresize noshade nowrap ref rel rev rows rowspan scrolling shape span src
    summary tabindex title type usemap valign value vlink vspace width""".split()
)
_ADDRESSES = ("href", "src")
_SCHEMES = ("", "http", "https", "mailto")


def cleaned(html: str) -> str:
    """HTML as Label Studio keeps it: void elements without a slash, no attributes but those on its list, no addresses of other
    schemes, other tags shown as text. (It mends what is not well formed, and control characters: that is not in here.)"""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return "".join(writer.pieces)


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.pieces.append(escape(self.get_starttag_text() or "", quote=False))
            return
        kept = [(name, value or "") for name, value in attrs if name in _ATTRIBUTES and _is_safe(name, value or "")]
        told = "".join(f' {name}="{_quoted(value)}"' for name, value in kept)
        self.pieces.append(f"<{tag}{told}>")

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append(f"</{tag}>" if tag in _TAGS else f"&lt;/{tag}&gt;")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.pieces.append(escape(data, quote=False))

    def handle_entityref(self, name: str) -> None:
        self.pieces.append(f"&{name};" if f"{name};" in html5 else f"&amp;{name};")

    def handle_charref(self, name: str) -> None:
        self.pieces.append(f"&#{name};")


def _is_safe(name: str, value: str) -> bool:
    return name not in _ADDRESSES or urlsplit(re.sub(r"[`\x00-\x20\x7f-\xa0\s]+", "", value)).scheme in _SCHEMES


def _quoted(value: str) -> str:
    return escape(value, quote=False).replace('"', "&quot;")
