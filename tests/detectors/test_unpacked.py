"""What is kept in the cache is what was made; whatever is wrong with the cache, the arrays come."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from py3langid.langid import LanguageIdentifier
from py3langid.modelio import load_model

from annotate.detectors import naive_bayes
from annotate.detectors.unpacked import unpacked


class Made:
    """Makes arrays of a file and counts how often."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"words": np.array(self.source.read_text().split()), "sizes": np.arange(self.times, self.times + 3)}

    def arrays(self):
        return unpacked("things", [self.source], self)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(folder))
    return folder


@pytest.fixture
def made(tmp_path: Path, cache: Path) -> Made:
    source = tmp_path / "source"
    source.write_text("päivää 你好")
    return Made(source)


def test_what_is_kept_is_made_once(made: Made):
    first, second = made.arrays(), made.arrays()
    assert made.times == 1
    assert first.keys() == second.keys() == {"words", "sizes"}
    for key in first:
        assert np.array_equal(first[key], second[key])
        assert first[key].dtype == second[key].dtype


def test_another_source_is_another_thing_in_the_same_file(made: Made, cache: Path):
    made.arrays()
    made.source.write_text("other words")
    assert made.arrays()["words"].tolist() == ["other", "words"]
    assert made.times == 2
    assert [file.name for file in cache.iterdir()] == ["things.npz"]


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_a_damaged_file_is_made_again(made: Made, cache: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None):
    caplog.set_level(logging.WARNING, logger="annotate")
    made.arrays()
    file = cache / "things.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert made.arrays()["words"].tolist() == ["päivää", "你好"]
    assert "cannot be read" in caplog.text
    made.arrays()
    assert made.times == 2


@pytest.mark.parametrize(
    ("before", "offset", "bit"),
    [(b"}", 0, 1), (b"PK\x01\x02", 6, 64), (b"PK\x01\x02", 8, 1)],
    ids=["a header without an end", "a version of zip that is none", "encrypted, it seems"],
)
def test_one_bit_that_flipped(cache: Path, caplog: pytest.LogCaptureFixture, before: bytes, offset: int, bit: int):
    """Of an array larger than zip's buffer the header is read before the checksum."""

    def arrays():
        return unpacked("large", [Path(__file__)], lambda: {"large": np.arange(3000)})

    arrays()
    whole = bytearray((cache / "large.npz").read_bytes())
    at = whole.rindex(before) if before != b"}" else whole.index(before, whole.index(b"large.npy"))
    whole[at + offset] ^= bit
    (cache / "large.npz").write_bytes(whole)
    with caplog.at_level(logging.WARNING, logger="annotate"):
        assert np.array_equal(arrays()["large"], np.arange(3000))
    assert "cannot be read" in caplog.text


def test_a_cache_that_cannot_be_written_is_said_not_raised(made: Made, cache: Path, caplog: pytest.LogCaptureFixture):
    cache.write_text("a file where the folder should be")
    with caplog.at_level(logging.INFO, logger="annotate"):
        assert made.arrays()["words"].tolist() == ["päivää", "你好"]
    assert "longer" in caplog.text
    made.arrays()
    assert made.times == 2


def test_the_model_is_made_anew_when_any_code_that_unpacks_it_has_changed(cache: Path, monkeypatch: pytest.MonkeyPatch):
    sources: list[Path] = []
    whole = naive_bayes.unpacked

    def noted(name, made_of, make):
        sources.extend(made_of)
        return whole(name, made_of, make)

    monkeypatch.setattr(naive_bayes, "unpacked", noted)
    naive_bayes._model.__wrapped__()
    code = (naive_bayes._unpack, naive_bayes.primary, LanguageIdentifier, load_model)
    assert {Path(inspect.getfile(part)) for part in code} <= set(sources)


def test_the_model_from_the_cache_is_the_model(cache: Path):
    make = naive_bayes._model.__wrapped__
    fresh, kept = make(), make()
    assert (cache / "py3langid.npz").is_file()
    assert (fresh.languages, fresh.others) == (kept.languages, kept.others)
    for name in ("table", "prior", "rows", "moves", "found"):
        one, other = getattr(fresh, name), getattr(kept, name)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
