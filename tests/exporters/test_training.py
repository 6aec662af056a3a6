"""spaCy itself on what we export: `debug data` finds no error, and `train` learns what was planted."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotate.exporters import Options, docbin
from annotate.exporters.docbin import write
from annotate.model import GoldMeta, GoldRecord, Span
from annotate.schema import parse

SCHEMA = parse(
    "schema: t\nentities: {overlap: any, labels: [LOC, ORG]}\ntopics: [{id: theme, labels: [sport, culture]}]\n", "t"
)
WORDS = {  # language: what joins words, filler, places, and a word that makes it sport
    "en": (" ", "we saw the boat near today and slowly again".split(), ["Oulu", "Turku", "Vaasa", "Pori"], "goal"),
    "fi": (" ", "vene lähti eilen hitaasti taas satamasta ohi".split(), ["Oulu", "Turku", "Vaasa", "Pori"], "maali"),
    "ko": (" ", "어제 우리는 배를 보았다 천천히 다시".split(), ["서울에서", "부산에서", "대구에서"], "골"),
    "ja": ("", "船が 昨日 ゆっくり 港を また 出た".split(), ["大阪", "京都", "神戸"], "得点"),
    "ar": (" ", "غادر القارب أمس ببطء مرة أخرى".split(), ["طنجة", "فاس", "أكادير"], "هدف"),
}
PARTICLE = "에서"
TRAIN, DEV = 120, 40


def planted(lang: str) -> Iterator[GoldRecord]:
    """Records whose places are LOC, with an ORG around some, and whose topic is told by one word."""
    rng = random.Random(lang)
    space, filler, places, sport = WORDS[lang]
    for number in range(TRAIN + DEV):
        words = rng.choices(filler, k=5)
        at = rng.randrange(5)
        words[at] = rng.choice(places)
        is_sport = number % 2 == 0
        text = space.join(words + [sport] * is_sport)
        start = len(space.join([*words[:at], ""]))
        end = start + len(words[at].removesuffix(PARTICLE))
        spans = [Span(start, end, "LOC", text[start:end])]
        if number % 3 == 0 and at + 1 < len(words):
            far = start + len(words[at] + space + words[at + 1])
            spans.append(Span(start, far, "ORG", text[start:far]))
        cats = {"sport": float(is_sport), "culture": float(not is_sport)}
        accept = ("sport",) if is_sport else ("culture",)
        id, split = f"{lang}{number}", "train" if number < TRAIN else "dev"
        meta = GoldMeta(id, id, lang, "body", 0, len(text), split, id, "t@1.0.0", SCHEMA.sha256, "single", 1, ("A1",), -1.0)
        yield GoldRecord(id, text, tuple(sorted(spans)), cats, accept, "accept", meta)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("training")
    records = [record for lang in WORDS for record in planted(lang)]
    splits = {split: [r for r in records if r.meta.split == split] for split in ("train", "dev")}
    done = write(splits, out, Options(SCHEMA, spacy_config=True))
    assert not done.rejects
    return out / "spacy"


def spacy_says(folder: Path, *arguments: str) -> str:
    ran = subprocess.run([sys.executable, "-m", "spacy", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("lang", [*WORDS, docbin.ALL])
def test_spacy_finds_no_error_and_learns(folder: Path, lang: str) -> None:
    found = spacy_says(folder / lang, "debug", "data", "config.cfg", "--no-format")
    assert "✘" not in found
    assert "checks passed" in found
    tiny = {"encode.width": 32, "embed.width": 32, "encode.depth": 1}
    options = [item for name, value in tiny.items() for item in (f"--components.tok2vec.model.{name}", str(value))]
    steps = ["--training.max_steps", "60", "--training.eval_frequency", "60", "--training.optimizer.learn_rate", "0.02"]
    learned = spacy_says(folder / lang, "train", "config.cfg", *options, *steps)
    head = re.search(r"^E +#.*$", learned, re.MULTILINE)
    assert head is not None
    rows = [line.split() for line in learned.splitlines() if re.match(r" +\d+ +\d+ ", line)]
    columns = head[0].replace("LOSS ", "LOSS_").split()
    last = dict(zip(columns, map(float, rows[-1]), strict=True))
    assert last["CATS_SCORE"] > 75  # of two topics, one of them: chance is 50
    assert last["ENTS_F"] > 30  # of about thirty stretches of a text one or two are entities


def test_large_splits_are_folders_of_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spacy.training import Corpus

    from annotate.spacy_docs import tokenizer_for

    monkeypatch.setattr(docbin, "SHARD", 50)
    records = [record for record in planted("en") if record.meta.split == "train"]
    write({"train": records, "dev": records[:50]}, tmp_path, Options(SCHEMA, spacy_config=True))
    files = sorted(path.relative_to(tmp_path / "spacy/en").as_posix() for path in tmp_path.rglob("*.spacy"))
    assert files == ["dev.spacy", *(f"train/train-0000{number}.spacy" for number in (1, 2, 3))]
    nlp, _ = tokenizer_for("en")
    read = [example.reference.user_data["id"] for example in Corpus(tmp_path / "spacy/en/train")(nlp)]
    assert read == [record.id for record in records]
    assert 'train = "train"' in (tmp_path / "spacy/en/config.cfg").read_text()
    monkeypatch.setattr(docbin, "SHARD_TOKENS", 20)
    write({"train": records[:9]}, tmp_path / "small", Options(SCHEMA))
    assert len(list((tmp_path / "small/spacy/en/train").iterdir())) > 1


def test_a_language_with_nothing_to_learn_has_no_configuration(tmp_path: Path) -> None:
    record = next(planted("fi"))
    empty = GoldRecord(record.id, record.text, (), {}, (), "accept", record.meta)
    done = write({"train": [empty], "dev": [record]}, tmp_path, Options(SCHEMA, spacy_config=True))
    assert not (tmp_path / "spacy/fi/config.cfg").exists()
    assert any("no configuration" in limit for limit in done.limits)
    done = write({"train": [record]}, tmp_path / "two", Options(SCHEMA, spacy_config=True))
    assert any("there is no dev split" in limit for limit in done.limits)
