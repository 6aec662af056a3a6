"""Which encoding a page is in, from its bytes."""

from __future__ import annotations

import codecs
import re

_DECLARED = re.compile(
    rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)|^\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE
)
_PRESCAN = 2**13
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
"""What a declared name stands for where that differs (WHATWG Encoding Standard, 4.2): the superset everybody writes; and a
declaration that could be read as ASCII is not in UTF-16."""

_OF_THE_WEB = re.compile(
    r"utf-8|cp(125\d|866|874|932|949)|iso8859-\d+|koi8-[ru]|mac-(roman|cyrillic)|gb18030|big5hkscs|euc_jp|iso2022_jp"
)
"""The encodings browsers know; Python knows more, such as `unicode_escape`, which a page must not reach."""


def decode_page(data: bytes) -> str:
    """The text of a page: by byte order mark; else UTF-8 where the bytes are UTF-8 beyond ASCII; else as declared in a `meta`
    element or the XML declaration; else windows-1252. Bytes that are wrong in that encoding become U+FFFD.

    Browsers ask the declaration before the bytes. Text beyond ASCII that is valid UTF-8 is nothing else, while declarations
    outlive the saving and crawling of pages; so here the bytes are asked first."""
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    if not data.isascii():
        try:
            return data.decode()
        except UnicodeDecodeError:
            pass
    return data.decode(_declared(data[:_PRESCAN]) or "cp1252", "replace")


def _declared(head: bytes) -> str:
    """The Python name of the first encoding that is declared and known, or nothing."""
    for match in _DECLARED.finditer(head):
        label = (match[1] or match[2]).decode("ascii", "replace").lower()
        try:
            name = codecs.lookup(label.removeprefix("x-")).name
        except LookupError:
            continue
        name = _MEANT.get(name, name)
        if _OF_THE_WEB.fullmatch(name):
            return name
    return ""
