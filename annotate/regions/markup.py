"""What the markup says about a block: density of links, landmarks and roles around it, words of class and id.

The words are those the HTML reader knows; the ones listed here were met on at least five sites. All columns are zero for plain
text, and the model is fitted to pages with and without their markup, so that one model serves both.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from annotate.regions.page import FloatArray, Letters, Page

_LINKS = ("marked up", "link density", "mostly links", "no links")
_CUES = (
    """address article aside blockquote button details dialog figcaption figure footer form h1 h2 h3 h4 h5 h6 has:button
    has:label has:time header hidden label li main nav option p pre table time
    role:alert role:article role:banner role:button role:complementary role:contentinfo role:dialog role:list role:main
    role:menu role:menuitem role:navigation role:region role:search role:tab role:tablist role:tabpanel
    class:about class:account class:ad class:advertisement class:article class:aside class:author class:avatar class:banner
    class:bio class:blog class:body class:bottom class:box class:breadcrumb class:byline class:caption class:card class:cart
    class:category class:code class:comment class:consent class:contact class:content class:cookie class:copyright class:credit
    class:cta class:date class:description class:dialog class:download class:dropdown class:entry class:event class:excerpt
    class:faq class:feed class:figure class:filter class:follow class:footer class:form class:gallery class:gdpr class:hamburger
    class:header class:heading class:headline class:hero class:image class:info class:intro class:kicker class:label
    class:language class:latest class:lead class:legal class:links class:list class:login class:logo class:main class:masthead
    class:media class:menu class:message class:meta class:modal class:more class:nav class:news class:newsletter class:notice
    class:overlay class:pagination class:paragraph class:paywall class:popular class:popup class:post class:prev class:price
    class:privacy class:product class:profile class:promo class:quote class:rating class:read class:recommend class:related
    class:reply class:review class:rss class:search class:section class:share class:sidebar class:signature class:signup
    class:skip class:social class:sort class:source class:sponsor class:sticky class:story class:subscribe class:subtitle
    class:summary class:tab class:table class:tag class:teaser class:text class:time class:title class:toc class:toggle
    class:tool class:toolbar class:top class:topic class:trending class:user class:video class:warning class:widget"""
).split()
NAMES = (*_LINKS, *_CUES)
WINDOWED = (
    *_LINKS[1:3],
    *"article aside figure footer form h1 h2 h3 header li main nav p class:comment class:content class:related".split(),
)

_COLUMN = {cue: k for k, cue in enumerate(_CUES, start=len(_LINKS))}


def features(page: Page, letters: Letters) -> FloatArray:
    """Shape (n_blocks, len(NAMES)) for the blocks of a stretch; every column but the link density is 0 or 1."""
    blocks = page.blocks[letters.first : letters.last]
    out = np.zeros((len(blocks), len(NAMES)))
    density = np.fromiter((b.link_density for b in blocks), dtype=np.float64, count=len(blocks))
    marked = density >= 0
    if not marked.any():
        return out
    out[:, 0] = marked
    out[:, 1] = np.maximum(density, 0)
    out[:, 2] = density >= 0.8
    out[:, 3] = density == 0
    # Blocks that stand side by side have the same cues.
    columns = {cues: [_COLUMN[cue] for cue in cues if cue in _COLUMN] for cues in {block.cues for block in blocks}}
    found = [columns[block.cues] for block in blocks]
    rows = np.repeat(np.arange(len(blocks)), [len(some) for some in found])
    out[rows, list(chain.from_iterable(found))] = 1.0
    return out
