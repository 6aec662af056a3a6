"""How fast push and pull are against a real Label Studio: a program, not a test.

    python tests/benchmarks/sync_speed.py [-n 100000]

Starts a server of its own in a temporary home, pushes N segments, pushes them again, pulls, changes 100 annotations, pulls,
deletes a task, pulls. For comparison in the same run: some tasks made one by one with the SDK, as scripts do, and the same
tasks posted with nothing around it, which is as fast as the server gets. Each step is a process of its own: time on the clock,
time the processors worked for it and for the server, and the most memory it held.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from annotate.codec import dumps
from annotate.labelstudio import server
from annotate.labelstudio.client import Client
from annotate.labelstudio.wire import to_result, to_task
from annotate.model import REGIONS, SchemaRef, Segment, Source, Span, segment_ids

WORDS = {
    "en": "the harbour ferry leaves before noon when ice lets it through to outer islands and back".split(),
    "fi": "satama lautta lähtee ennen puoltapäivää kun jää päästää sen ulkosaarille ja takaisin illalla".split(),
    "ko": "항구 여객선은 정오 전에 떠나 얼음이 풀리면 바깥 섬까지 갔다가 저녁에 돌아온다".split(),
}
PER_DOCUMENT = 10
SCHEMA = """\
schema: speed
version: 1.0.0
languages: [en, fi, ko]
regions: {annotate: [title, body]}
entities: {overlap: any, labels: [PERSON, ORG, GPE]}
topics:
  - {id: theme, choice: multi, labels: [sport, trade]}
"""
CHANGES = 100
CONFIG = '<View><Text name="text" value="$text"/></View>'


@dataclass(frozen=True)
class Step:
    """What one command took."""

    name: str
    seconds: float
    items: int
    megabytes: float = 0
    own: float = 0
    """Seconds of processor time."""
    servers: float = 0

    def __str__(self) -> str:
        rate = f"{self.items / self.seconds:8,.0f}/s" if self.items else " " * 10
        worked = f"(processor: {self.own:5.1f} s, server's {self.servers:5.1f} s)"
        return f"{self.name:40} {self.seconds:7.1f} s {rate} {worked} " + (
            f"{self.megabytes:4.0f} MB" if self.megabytes else ""
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100_000, help="segments [100,000]")
    parser.add_argument("--naive", type=int, default=100, help="tasks made one by one with the SDK [100]")
    parser.add_argument("--raw", type=int, default=20_000, help="tasks posted with nothing around it [20,000]")
    parser.add_argument("--port", type=int, default=8799)
    parser.add_argument("--home", type=Path, help="an ANNOTATE_HOME whose server runs already, in place of a new one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sync-speed-") as folder:
        os.environ["ANNOTATE_HOME"] = str(options.home or Path(folder, "home"))
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        os.chdir(folder)
        running = server.require_running() if options.home else server.start(say, port=options.port)
        try:
            with Client(running.url, server.credentials().token) as client:
                run(Clock(running.pid), client, options.n, options.naive, options.raw)
        finally:
            if not options.home:
                server.stop()


def run(clock: Clock, client: Client, number: int, naive: int, raw: int) -> None:
    Path("speed.yaml").write_text(SCHEMA, encoding="utf-8")
    title = f"speed {time.time():.0f}"
    Path("annotate.yaml").write_text(f"project: {title}\nschema: speed.yaml\n", encoding="utf-8")
    with Path("segments.jsonl").open("wb") as out:
        out.writelines(dumps(segment) + b"\n" for segment in corpus(number))
    say(f"{number:,} segments, {Path('segments.jsonl').stat().st_size / 1e6:.0f} MB; Label Studio {server.VERSION}, SQLite")
    one_by_one(clock, client, naive)
    posted(clock, client, raw)
    clock.command("push from nothing", number, "push", "segments.jsonl")
    clock.command("push again", 0, "push", "segments.jsonl")
    (project,) = [project.id for project in client.projects() if project.title == title]
    assert client.counters(project).tasks == number
    span = to_result([Span(0, 3, "ORG", "the")], {"theme": ["trade"]})
    first = next(client.pages(project, ("id",)))[0]["id"]
    pages = [next(client.pages(project, ("id",), after=first + part * number // 10)) for part in range(10)]
    some = [task["id"] for page in pages for task in page[: CHANGES // 10]]
    for task in some:
        client.submit(task, span, lead_time=1.0, skipped=task % 3 == 0)
    clock.command(f"pull, {CHANGES} answers", 0, "pull")
    for task in some:
        client.submit(task, span, lead_time=2.0, skipped=task % 3 == 0)
    clock.command(f"pull, {CHANGES} more", 0, "pull")
    clock.command("pull, nothing new", 0, "pull")
    client.delete_tasks(project, [some[-1]])
    clock.command("pull, a task was deleted", 0, "pull")
    clock.command("push again, which makes it anew", 0, "push", "segments.jsonl")
    clock.command("pull", 0, "pull")
    clock.command("pull --all", 0, "pull", "--all", "-o", "fresh.jsonl")
    assert Path("fresh.jsonl").read_bytes() == Path("annotations.jsonl").read_bytes()


def one_by_one(clock: Clock, client: Client, number: int) -> None:
    """What a loop over the SDK's `tasks.create` takes."""
    from label_studio_sdk import LabelStudio

    sdk = LabelStudio(base_url=client.url, api_key=server.credentials().token)
    project = sdk.projects.create(title="one by one", label_config=CONFIG)
    with clock.step("one by one with the SDK", number):
        for segment in corpus(number):
            sdk.tasks.create(project=project.id, data={"text": segment.text, "segment_id": segment.id})


def posted(clock: Clock, client: Client, number: int) -> None:
    """What the server itself takes to store tasks that lie ready, a thousand a request."""
    project = client.create_project("posted", "", CONFIG, "").id
    ref = SchemaRef("speed", "1.0.0", "0" * 64)
    ready = [dumps(to_task(segment, ref, before=segment.text, after=segment.text)) for segment in corpus(number)]
    with clock.step("posted ready-made, the server's own pace", number):
        for first in range(0, number, 1000):
            client.import_tasks(project, ready[first : first + 1000])
    client.delete_project(project)


class Clock:
    """Measures steps, and what the server works meanwhile."""

    def __init__(self, pid: int) -> None:
        parent = psutil.Process(pid)
        self._server = [parent, *parent.children(recursive=True)]

    @contextmanager
    def step(self, name: str, items: int) -> Iterator[None]:
        """Measure what is done in this process."""
        begun, own, servers = time.perf_counter(), time.process_time(), self._worked()
        yield
        worked = time.process_time() - own
        say(Step(name, time.perf_counter() - begun, items, own=worked, servers=self._worked() - servers))

    def command(self, name: str, items: int, *arguments: str) -> None:
        """Run annotate, and measure it."""
        begun, servers = time.perf_counter(), self._worked()
        child = psutil.Process(os.posix_spawn(sys.executable, [sys.executable, "-m", "annotate", *arguments, "-q"], os.environ))
        peak = 0
        while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:  # what the kernel calls the peak is the parent's, if higher
            with suppress(psutil.Error):
                peak = max(peak, child.memory_info().rss)
            time.sleep(0.05)
        _, status, usage = ended
        seconds = time.perf_counter() - begun
        if os.waitstatus_to_exitcode(status):
            raise SystemExit(f"annotate {' '.join(arguments)} failed")
        say(Step(name, seconds, items, peak / 1e6, usage.ru_utime + usage.ru_stime, self._worked() - servers))

    def _worked(self) -> float:
        return sum(times.user + times.system for times in (process.cpu_times() for process in self._server))


def corpus(number: int) -> Iterator[Segment]:
    """Segments of some 400 characters in three languages, ten to a document."""
    lots = random.Random(7)
    for first in range(0, number, PER_DOCUMENT):
        name = f"{first // PER_DOCUMENT:07}.txt"
        lang = lots.choice(list(WORDS))
        texts = [" ".join(lots.choices(WORDS[lang], k=60)) + ".\n" for _ in range(min(PER_DOCUMENT, number - first))]
        start = 0
        for text, identity in zip(texts, segment_ids(name, texts), strict=True):
            end, region = start + len(text), REGIONS[0] if start == 0 else "body"
            yield Segment(identity, name, start, end, text, lang, 0.99, "Latn", region, 0.97, Source(start, end))
            start = end


def say(what: object) -> None:
    print(what, flush=True)  # noqa: T201  a program


if __name__ == "__main__":
    main()
