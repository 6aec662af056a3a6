"""Fitting a region model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from annotate.errors import InvariantError, MissingExtra, ReadError
from annotate.model import REGIONS, Block, Document
from annotate.regions import RegionModel, examples, network, train
from annotate.regions.examples import Example, Gold, GoldSegment
from tests.regions.pages import blocks_of

WORDS = "stone river cloud lamp bread horse winter garden paper bridge window song salt copper meadow lantern".split()


def made_up(seed: int) -> Example:
    """A page of two menus around an article, its words drawn at random."""
    random = np.random.default_rng(seed)
    menu = [("navigation", f"Go to {random.choice(WORDS)}") for _ in range(4)]
    article = [("body", " ".join(random.choice(WORDS, 40)) + ".") for _ in range(3)]
    foot = [("footer", f"Imprint of {random.choice(WORDS)} {seed}")]
    lines = menu + article + foot
    text = "".join(f"{line}\n" for _, line in lines)
    blocks = blocks_of(text)
    return Example(text, blocks, (False,) * len(blocks), tuple(region for region, _ in lines))


@pytest.fixture(scope="module")
def model() -> RegionModel:
    return train.fit(made_up(seed) for seed in range(30))


def test_a_model_learns_what_it_is_shown(model: RegionModel) -> None:
    unseen = made_up(1000)
    scores = model.score(unseen.text, unseen.blocks, unseen.foreign)
    assert tuple(REGIONS[k] for k in scores.argmax(axis=1)) == unseen.regions


def test_fitting_is_deterministic(model: RegionModel, tmp_path: Path) -> None:
    model.save(tmp_path / "one.npz")
    train.fit(made_up(seed) for seed in range(30)).save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_two_regions_are_enough() -> None:
    pages = []
    for seed in range(8):
        whole = made_up(seed)
        text = whole.text[: whole.blocks[6].end]
        pages.append(Example(text, whole.blocks[:7], (False,) * 7, whole.regions[:7]))
    fitted = train.fit(pages)
    scores = fitted.score(pages[0].text, pages[0].blocks, pages[0].foreign)
    assert tuple(REGIONS[k] for k in scores.argmax(axis=1)) == pages[0].regions


def test_too_little_is_refused() -> None:
    with pytest.raises(InvariantError, match="too few"):
        train.fit([])
    with pytest.raises(InvariantError, match="too few"):
        train.fit([made_up(1)])
    with pytest.raises(InvariantError, match="too few"):
        train.fit(Example("a\n", (Block(0, 2),), (False,), ("body",)) for _ in range(9))


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(train, "import_module", absent)
    with pytest.raises(MissingExtra) as caught:
        train.fit([made_up(1), made_up(2)])
    assert "corpus-annotate[train]" in caught.value.hint


def test_documents_that_share_a_menu_are_of_one_site() -> None:
    menu = "".join(f"Section number {k}\n" for k in range(12))
    texts = [menu + "first story\n", "a page of its own\n", menu + "second story\n"]
    pages = [Example(t, (Block(0, len(t)),), (False,), ("body",)) for t in texts]
    assert examples.sites(pages) == [0, 1, 0]


def test_blocks_get_the_region_and_language_of_most_of_their_characters() -> None:
    text = "Ein Titel\nLong enough. OK\n"
    document = Document("d", text, blocks=(Block(0, 10), Block(10, 26)))
    segments = (
        GoldSegment(0, 10, "de", "title"),
        GoldSegment(10, 23, "en", "body"),
        GoldSegment(23, 26, "und", "ad"),
    )
    found = examples.example(document, segments, weight=2.0)
    assert found.regions == ("title", "body")
    assert found.foreign == (True, False)
    assert found.weight == 2.0


@pytest.mark.parametrize("bounds", [[], [(0, 3)], [(0, 3), (4, 5)], [(1, 5)], [(0, 3), (3, 3), (3, 5)], [(0, 9)]])
def test_segments_must_tile(bounds: list[tuple[int, int]]) -> None:
    document = Document("d", "abcd\n", blocks=(Block(0, 5),))
    with pytest.raises(InvariantError, match="do not tile"):
        examples.example(document, [GoldSegment(a, b, "en", "body") for a, b in bounds])


def test_examples_must_fit_together() -> None:
    with pytest.raises(InvariantError, match="each of them"):
        Example("a", (Block(0, 1),), (False, True), ("body",))
    with pytest.raises(InvariantError, match="no such region: header"):
        Example("a", (Block(0, 1),), (False,), ("header",))


def test_examples_are_read_from_a_file(tmp_path: Path) -> None:
    def document(gold: Gold) -> Document:
        return Document(gold.id, gold.text, blocks=blocks_of(gold.text))

    good = {
        "id": "1",
        "text": "A\nB\n",
        "segments": [{"start": 0, "end": 4, "lang": "en", "region": "body"}],
        "kind": "-",
    }
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(good) + "\n", encoding="utf-8")
    (found,) = examples.examples(path, document, weight=3.0)
    assert (found.regions, found.weight) == (("body", "body"), 3.0)
    path.write_text(json.dumps(good) + "\n" + json.dumps(good | {"segments": []}) + "\n", encoding="utf-8")
    with pytest.raises(ReadError, match=r"gold\.jsonl:2: .*do not tile"):
        list(examples.examples(path, document))


def test_a_network_learns_what_no_line_can_part() -> None:
    random = np.random.default_rng(7)
    inputs = random.normal(size=(800, 2)).astype(np.float32)
    labels = ((inputs[:, 0] * inputs[:, 1]) > 0).astype(np.int64)
    recipe = network.Recipe(hidden=32, epochs=60, drop_inputs=0.0, drop_hidden=0.0, rate=1e-2)
    fitted = network.fit(inputs, np.eye(2, dtype=np.float32)[labels], np.ones(800), recipe, seed=0)
    hidden = np.maximum(inputs @ fitted.hidden_weights + fitted.hidden_bias, 0)
    right = (hidden @ fitted.out_weights + fitted.out_bias).argmax(axis=1) == labels
    assert right.mean() > 0.9


def test_a_part_of_the_documents_may_hold_one_region_only() -> None:
    prose, imprint = "A long line of prose, with a stop.\n" * 4, "Imprint\n" * 4
    pages = [
        Example(text, blocks_of(text), (False,) * 4, (region,) * 4) for text, region in ((prose, "body"), (imprint, "footer"))
    ]
    scores = train.fit(pages).score(prose, pages[0].blocks, pages[0].foreign)
    assert np.isfinite(scores).all()
    assert {REGIONS[k] for k in scores.argmax(axis=1)} <= {"body", "footer"}
