"""Colours of labels."""

from __future__ import annotations

import re

_NAMES = {
    "aqua": "#00ffff",
    "black": "#000000",
    "blue": "#0000ff",
    "fuchsia": "#ff00ff",
    "gray": "#808080",
    "green": "#008000",
    "lime": "#00ff00",
    "maroon": "#800000",
    "navy": "#000080",
    "olive": "#808000",
    "orange": "#ffa500",
    "purple": "#800080",
    "red": "#ff0000",
    "silver": "#c0c0c0",
    "teal": "#008080",
    "white": "#ffffff",
    "yellow": "#ffff00",
}
"""The colour names of CSS 2.1."""

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


def to_hex(color: str) -> str:
    """`#rrggbb` for `#rgb`, `#rrggbb` or a CSS 2.1 name in any case; empty when it is none of them."""
    word = color.lower()
    code = _NAMES.get(word, word)
    if not _HEX.fullmatch(code):
        return ""
    return code if len(code) == 7 else "#" + "".join(digit * 2 for digit in code[1:])


def contrast_with_white(color: str) -> float:
    """Contrast ratio of white text on `#rrggbb`, 1 to 21 (WCAG 2.1, relative luminance)."""
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
