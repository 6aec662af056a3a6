"""What the markup says about a stretch of a page: its DOM path, and cues for the region it may be.

Cues are words such as `nav`, `h2`, `role:banner`, `class:cookie`: the landmark elements and ARIA roles around the stretch
(WAI-ARIA 1.2, 5.3.4), `hidden` for what is not shown at first, and words of the `class`, `id` and `itemprop` of the elements
nearest to it. Only words of a fixed vocabulary count, so that cues stay few and mean the same on every site; it is data, below.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain

from selectolax.lexbor import LexborNode

NEAR = 8
"""How many elements, from the innermost outward, the `class:` words are taken from (chosen on labelled pages: fewer miss the
sidebar around a list, more bring in what is said of the whole page)."""

DEEPEST = 128
"""Elements nested deeper go by the path of their ancestor at this depth, or paths would grow with the square of the page."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LANDMARKS = _set(
    """nav header footer aside main article form figure figcaption blockquote table li h1 h2 h3 h4 h5 h6 button dialog time
    label p pre option address details legend caption"""
)
_ROLES = _set(
    """alert alertdialog article banner button comment complementary contentinfo dialog feed figure form heading img link list
    listbox listitem main menu menubar menuitem navigation note region search status tab tablist tabpanel table time toolbar
    tooltip"""
)

_VOCABULARY = """
about abstract account avatar bio blog body bottom box cart code contact cta description dialog disclaimer donate: donation
download dropdown entry: hentry
event excerpt facet faq feed figure filter: filters
follow forum gallery hamburger heading headline hero image: images img photo photos picture
info intro kicker label latest license list: lists
login: signin
logo main masthead media meta modal more: readmore
news notice offer overlay paragraph popup post: posts
price: prices
privacy profile promo: promotion
quote rating: ratings
read review: reviews
rss search: searchbox
section: sections
signature signup: register
skip slogan sort: sorting
source sticky story subtitle: subhead subheading
summary support table text time title: titles
toc toggle tool: tools
toolbar top topic: topics
trending: trend
user: users member
video: videos
warning widget: widgets textwidget
ad: ads adv advert advertising adsbygoogle adslot dfp
advertisement: advertisment
sponsor: sponsored promoted partner partners outbrain taboola
cookie: cookies
consent: cmp onetrust optanon cookiebot didomi usercentrics truste
gdpr: ccpa dsgvo rgpd
nav: navbar navigation navi subnav topnav
menu: menubar submenu megamenu
breadcrumb: breadcrumbs crumb crumbs
pagination: paging paginator pager
prev: previous next
tab: tabs
footer: foot colophon sitefooter
header: head siteheader
sidebar: side rail
language: languages lang locale
legal: imprint impressum terms
related: similar
recommend: recommended recommendation recommendations
popular: mostread
teaser: teasers
card: cards
comment: comments commentlist commentform respond disqus discussion
reply: replies
message: messages thread
share: sharing shares addthis sharethis addtoany
social: socials facebook twitter instagram linkedin whatsapp pinterest youtube
newsletter: mailchimp
subscribe: subscription subscriber
paywall: premium piano
product: products shop
author: authors vcard writer
byline
date: dateline datetime published timestamp updated posted
caption: captions
credit: credits
copyright: copy
lead: standfirst dek
article: articles articlebody
content: contents
tag: tags taxonomy keywords
category: categories
links: link
form: forms
address aside banner
"""
"""Words of class and id that say something; after a colon, others that stand for the word before it."""


def _cue_by_word(vocabulary: str) -> dict[str, str]:
    cues: dict[str, str] = {}
    for line in vocabulary.splitlines():
        heads, _, others = line.partition(":")
        cues |= {word: word for word in heads.split()}
        cues |= {word: heads.split()[-1] for word in others.split()}
    return cues


_CUES = _cue_by_word(_VOCABULARY)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")


class Element:
    """An element on the way from `<body>` to where the reader stands."""

    # no element may hold itself: a page is freed as soon as it is read, not when the garbage collector comes by
    __slots__ = (
        "_around",
        "_near",
        "_path",
        "block",
        "children",
        "depth",
        "in_link",
        "is_block",
        "node",
        "ordinal",
        "parent",
        "tag",
    )

    def __init__(self, node: LexborNode, tag: str, parent: Element | None, *, is_block: bool) -> None:
        self.node = node
        self.tag = tag
        self.parent = parent
        self.is_block = is_block
        self.block: Element | None = None
        """The nearest block element around an inline one."""
        self.children: dict[str, int] = {}
        """How many children of each tag have been met."""
        self._near: tuple[tuple[str, ...], ...] = ()
        """The words of this element and of those around it, `NEAR` in all, from the inside out."""
        if parent is None:
            self.depth = self.ordinal = 0
            self.in_link = False
            self._path = f"html/{tag}"
            self._around: tuple[str, ...] | None = ()
            return
        self.depth = parent.depth + 1
        self.ordinal = parent.children[tag]
        self.in_link = parent.in_link or tag == "a"
        self._path = "" if self.depth <= DEEPEST else parent.path
        self._around = None
        if not is_block:
            self.block = parent if parent.is_block else parent.block

    def ancestor(self, depth: int) -> Element:
        """The element around this one (or itself) at a depth, 0 being `<body>`."""
        element = self
        while element.depth > depth and element.parent is not None:
            element = element.parent
        return element

    @property
    def path(self) -> str:
        """The DOM path, such as `html/body/main[1]/p[3]`; ordinals count the siblings of the same tag, as in XPath."""
        pending = []
        element = self
        while not element._path and element.parent is not None:
            pending.append(element)
            element = element.parent
        path = element._path
        for below in reversed(pending):
            path = below._path = f"{path}/{below.tag[:40]}[{below.ordinal}]"
        return path

    def cues(self) -> tuple[str, ...]:
        """Landmarks and roles, from the outside in, each once; then the `class:` words, from the inside out."""
        around = self._read()
        return _together(around, *filter(None, self._near))

    def _read(self) -> tuple[str, ...]:
        """Landmarks and roles around this element; reads the attributes of those that nobody asked about before."""
        pending = []
        element = self
        while element._around is None and element.parent is not None:
            pending.append(element)
            element = element.parent
        around, near = element._around or (), element._near
        for below in reversed(pending):
            own, words = _said(below.tag, below.node.attributes)
            around = below._around = (*around, *(cue for cue in own if cue not in around)) if own else around
            near = below._near = (words, *near[: NEAR - 1])
        return around


def _said(tag: str, attributes: dict[str, str | None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an element says of all it holds, and the words it has for itself."""
    if not attributes:
        return ((tag,) if tag in _LANDMARKS else ()), ()
    get = attributes.get
    style = get("style")  # it may hold whole images: only what it comes to is remembered
    hidden = "hidden" in attributes or get("aria-hidden") == "true" or bool(style and _HIDDEN.search(style))
    return _meaning(tag, get("role"), hidden, get("class"), get("id"), get("itemprop"))


@lru_cache(maxsize=2**14)
def _meaning(tag: str, role: str | None, hidden: bool, *names: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    own = [tag] if tag in _LANDMARKS else []
    if role:
        own += [f"role:{word}" for word in role.lower().split()[:1] if word in _ROLES]
    if hidden:
        own.append("hidden")
    found = (_CUES.get(word.lower()) for name in names if name for word in _WORD.findall(name[:500]))
    return tuple(own), tuple(dict.fromkeys(f"class:{cue}" for cue in found if cue))


@lru_cache(maxsize=2**14)
def _together(*cues: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(cues)))
