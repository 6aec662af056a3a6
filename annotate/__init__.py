"""annotate: segments web documents by language and page region, has them annotated in Label Studio, exports gold datasets.

The public API, loaded on first use:

    read        files → documents                 agree        annotations → agreement
    Segmenter   a document → its tiling           adjudicate   annotations → gold records and conflicts
    push, pull  segments ↔ Label Studio           export       gold records → a dataset

and the records these pass on: `Document`, `Segment`, `Tiling`, `Span`, `Annotation`, `GoldRecord`, `Reject`.
`annotate.workflow` has the same steps from file to file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from annotate._version import __version__

if TYPE_CHECKING:
    from annotate.adjudication import adjudicate
    from annotate.agreement import agree
    from annotate.dataset import export
    from annotate.model import Annotation, Document, GoldRecord, Reject, Segment, Span, Tiling
    from annotate.readers import read
    from annotate.sync import pull, push
    from annotate.tiling import Segmenter

_WHERE = {
    "read": "readers",
    "Segmenter": "tiling",
    "push": "sync",
    "pull": "sync",
    "agree": "agreement",
    "adjudicate": "adjudication",
    "export": "dataset",
    "Annotation": "model",
    "Document": "model",
    "GoldRecord": "model",
    "Reject": "model",
    "Segment": "model",
    "Span": "model",
    "Tiling": "model",
}

__all__ = [
    "Annotation",
    "Document",
    "GoldRecord",
    "Reject",
    "Segment",
    "Segmenter",
    "Span",
    "Tiling",
    "__version__",
    "adjudicate",
    "agree",
    "export",
    "pull",
    "push",
    "read",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"annotate.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'annotate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
