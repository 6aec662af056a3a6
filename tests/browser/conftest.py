"""One browser, one login: an annotator works through all hard texts; what was seen and what came home is looked at after."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.labelstudio.client import Client
from annotate.model import Annotation, Segment
from tests.browser.hard_texts import HARD_TEXTS, PAGE
from tests.builders import segments
from tests.conftest import Live

if TYPE_CHECKING:
    from tests.browser.annotator import Annotator

SCHEMA = Path(__file__).with_name("hard.yaml")
TITLE = "hard texts"
PERSON, TRADE, SPORT = "<b>인물</b> & \"이름\" '별명' 👩‍👩‍👧", '무역 & "상업" <1>', "스포츠 ⚽"


@dataclass(frozen=True)
class Seen:
    """What an annotator saw of a task before touching it."""

    shown: str
    highlights: list[tuple[int, str]]
    direction: str
    origin: str


@dataclass(frozen=True)
class Work:
    """A day at the screen, and what `annotate pull` brought home of it. Tasks are told by their text."""

    segments: list[Segment]
    seen: dict[str, Seen]
    pulled: dict[str, Annotation]
    instructions: str
    hints: dict[str, str]
    context: list[str]
    marked_in_context: list[tuple[int, str]]
    labels_in_sight: bool
    tabs: list[str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser the tests are skipped; where `BROWSER_TESTS=required` says so, they run and fail."""
    reason = "" if os.environ.get("BROWSER_TESTS") == "required" else _missing()
    for item in items:
        if reason and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))


def _missing() -> str:
    if not find_spec("playwright"):
        return "Playwright is not installed: pip install 'corpus-annotate[browser]'"
    return "" if shutil.which("chromium") else "no chromium on PATH (Debian: apt-get install chromium)"


@pytest.fixture(scope="session")
def workplace(live_home: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("browser")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANNOTATE_HOME", str(live_home.home))
        patch.chdir(folder)
        settings = f"project: {TITLE}\nschema: {json.dumps(str(SCHEMA))}\n"
        (folder / "annotate.yaml").write_text(settings, encoding="utf-8")
        yield folder


@pytest.fixture(scope="session")
def annotator(live_home: Live, workplace: Path) -> Iterator[Annotator]:
    """A new member of the server, at a screen of their own."""
    from playwright.sync_api import sync_playwright

    from tests.browser.annotator import Annotator

    email, password = "lumi@example.com", "Lumi-1234-pw"
    assert main(["server", "adduser", email, "--password", password, "-q"]) == 0
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=shutil.which("chromium")) as browser:
        yield Annotator(browser, live_home.url, email, password)


@pytest.fixture(scope="session")
def work(live_home: Live, workplace: Path, annotator: Annotator) -> Work:
    corpus = _corpus()
    project = _push(live_home, workplace, corpus)
    annotator.start_labeling(project)
    instructions = annotator.close_instructions()
    seen: dict[str, Seen] = {}
    hints: dict[str, str] = {}
    context: list[str] = []
    marked_in_context: list[tuple[int, str]] = []
    labels_in_sight, text = False, ""
    by_text = {one.text: one for one in HARD_TEXTS}
    for number in range(len(HARD_TEXTS)):
        text = annotator.next_text(text)
        one = by_text[text]
        seen[text] = Seen(text, annotator.highlights(), annotator.edges().direction, annotator.origin.inner_text())
        if number == 0:
            hints = {name: annotator.hint(name) for name in (PERSON, TRADE)}
        if number % 2:  # every other one with the keyboard
            annotator.page.keyboard.press("p")
        else:
            annotator.pick(PERSON)
        if text == PAGE[1]:
            context = [annotator.context.nth(side).inner_text() for side in (0, 1)]
            annotator.drag_over("Contact in Ashby", within=annotator.context.nth(1))
            marked_in_context = annotator.highlights()
        annotator.drag_over(one.selected, one.nth)
        if one.kind == "long line":
            labels_in_sight = annotator.in_sight(PERSON)
        if number % 2:
            annotator.page.keyboard.press("t")
        else:
            annotator.choose(SPORT)
        annotator.submit()
    tabs = annotator.tabs(project)
    assert main(["pull", "-q"]) == 0
    lines = (workplace / "annotations.jsonl").read_bytes().splitlines()
    pulled = {one.segment.text: one for one in (loads(line, Annotation) for line in lines)}
    return Work(corpus, seen, pulled, instructions, hints, context, marked_in_context, labels_in_sight, tabs)


def _corpus() -> list[Segment]:
    corpus: list[Segment] = []
    for number, one in enumerate(HARD_TEXTS):
        if one.text != PAGE[1]:
            corpus += segments([one.text], doc_id=f"{number:02}.txt", lang=one.lang, region="title" if number % 2 else "body")
    before, body, after = segments(PAGE, doc_id="page.html")
    return [*corpus, replace(before, region="navigation"), body, replace(after, region="footer")]


def _push(live: Live, folder: Path, corpus: list[Segment]) -> int:
    """The project's number."""
    predicted = {one.text: one.predicted_at for one in HARD_TEXTS}
    guesses = [
        {"segment_id": one.id, "model": "guess-1", "spans": [{"start": start, "end": end, "label": "PLACE"}]}
        for one in corpus
        if (offsets := predicted.get(one.text))
        for start, end in [offsets]
    ]
    (folder / "segments.jsonl").write_bytes(b"".join(dumps(one) + b"\n" for one in corpus))
    (folder / "guesses.jsonl").write_text("".join(json.dumps(one) + "\n" for one in guesses), encoding="utf-8")
    assert main(["push", "segments.jsonl", "--predictions", "guesses.jsonl", "-q"]) == 0
    with Client(live.url, live.login.token) as client:
        return next(project.id for project in client.projects() if project.title == TITLE)
