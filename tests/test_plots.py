"""The plots of a dataset card."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from annotate.dataset.plots import agreement_plot, label_plot


def scores(key: str, value: float, interval: list[float], **more: Any) -> dict[str, Any]:
    return {key: value, "intervals": {key: interval}, "reasons": {}, "n": 9, **more}


TOPIC = scores("alpha", 0.7, [0.5, 0.8], labels={"sport": scores("alpha", -0.13, [-0.4, 0.2])})
UNDEFINED = scores("exact_f1", -1.0, []) | {"reasons": {"exact_f1": "no span"}}
MANIFEST: dict[str, Any] = {
    "counts": {
        split: {lang: {"labels": {"ORG": 3}, "topics": {"a <&> b": 0}} for lang in ("fi", "ar")} for split in ("train", "test")
    },
    "agreement": {
        "spans": {"labels": {"ORG": scores("exact_f1", 0.64, [0.4, 0.8]), "LOC": UNDEFINED}},
        "topics": {"theme": TOPIC},
    },
}


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_labels_by_language_over_all_splits() -> None:
    assert texts(label_plot(MANIFEST)) == ["Labels by language", "ar", "fi", "ORG", "6", "6", "a <&> b", "0", "0"]
    assert label_plot(MANIFEST) == label_plot(MANIFEST)


def test_agreement_with_intervals_and_without_what_is_undefined() -> None:
    found = texts(agreement_plot(MANIFEST))
    assert "F1 0.64 (0.40 to 0.80), n = 9" in found
    assert "α -0.13 (-0.40 to 0.20), n = 9" in found
    assert [text for text in found if text.startswith(("entity", "topic", "theme"))] == [
        "entity ORG",
        "topic theme",
        "theme: sport",
    ]
    assert "-0.4" in found


def test_there_is_no_plot_of_what_is_not_known() -> None:
    assert agreement_plot(MANIFEST | {"agreement": {}}) == ""
    assert agreement_plot(MANIFEST | {"agreement": {"spans": {"labels": {"LOC": UNDEFINED}}, "topics": {}}}) == ""
