"""Predictions: what a model says, shown to annotators to begin from.

Label Studio drops a prediction it does not like without a word, and keeps offsets beyond the text. So each is checked against
schema and text before it is sent, and read back afterwards. A task that somebody has begun keeps the predictions it has:
replacing them would cut the tie between an answer and what it was made from."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from annotate.errors import InvariantError, ServerUnreachable
from annotate.journal import FoundTask, Journal
from annotate.labelstudio.client import Client, Project
from annotate.labelstudio.wire import TASK_FIELDS, Json, checked_result, found_task, to_result
from annotate.model import Reject, Span
from annotate.schema import LabelSchema
from annotate.store import reject
from annotate.sync.wanted import Wanted

BATCH = 1000
LOOKS = 3
"""How often predictions are sent and looked for before those that are not there are rejects."""
_FIELDS = (*TASK_FIELDS, "predictions", "result", "model_version", "score")

log = logging.getLogger("annotate")


@dataclass(frozen=True, slots=True)
class PredictedSpan:
    """A stretch of a segment; `text`, when given, must be what stands there."""

    start: int
    end: int
    label: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A line of a file of predictions: what a model says about one segment."""

    segment_id: str
    model: str
    spans: tuple[PredictedSpan, ...] = ()
    topics: Mapping[str, tuple[str, ...]] | None = None
    score: float = -1.0
    """How sure the model is; -1 when it does not say."""


Guesses = Mapping[tuple[str, str], Json]
"""Bodies of predictions as they are sent, without their tasks, by segment and model."""


def checked(
    predictions: Iterable[Prediction], wanted: Wanted, schema: LabelSchema, rejects: Callable[[Reject], None], source: str
) -> Guesses:
    """The predictions that fit the schema and the text of a wanted task; the others are rejects."""
    guesses: dict[tuple[str, str], Json] = {}
    for one in predictions:
        try:
            if one.segment_id not in wanted.tasks:
                raise InvariantError("no such segment is pushed")
            if not one.model:
                raise InvariantError("the prediction does not name its model")
            if (one.segment_id, one.model) in guesses:
                raise InvariantError(f"model {one.model!r} predicts this segment twice")
            guesses[one.segment_id, one.model] = _body(one, wanted.json(one.segment_id)["data"]["text"], schema)
        except InvariantError as problem:
            hint = "labels are ids of the schema, offsets code points of the segment's text"
            rejects(
                reject("push", source, "invalid_prediction", problem.message, id=one.segment_id, hint=hint, record=repr(one))
            )
    return guesses


def _body(one: Prediction, text: str, schema: LabelSchema) -> Json:
    for span in one.spans:
        if span.text and text[span.start : span.end] != span.text:
            raise InvariantError(f"offsets [{span.start}, {span.end}) hold another text than the prediction says")
    spans = [Span(span.start, span.end, span.label, text[max(0, span.start) : max(0, span.end)]) for span in one.spans]
    result = to_result(spans, one.topics or {})
    checked_result(result, text, schema)
    return {"model_version": one.model, "result": result} | ({"score": one.score} if one.score >= 0 else {})


@dataclass(frozen=True, slots=True)
class Predictor:
    """Brings predictions to the tasks of a project."""

    client: Client
    journal: Journal
    guesses: Guesses
    rejects: Callable[[Reject], None]

    def missing(self, project: Project | None, key: int | None, ids: Collection[str]) -> int:
        """How many predictions for these segments a push would send."""
        if not self.guesses:
            return 0
        mine = {pair for pair in self.guesses if pair[0] in ids}
        tasks = list(self.journal.tasks(key)) if key is not None else []
        begun = {task.segment_id for task in tasks if task.touched}
        there = set(self._there(project, [task for task in tasks if task.predictions])) if project else set()
        return sum(pair[0] not in begun and pair not in there for pair in mine)

    def send(self, project: Project, key: int, ids: Collection[str], url: str) -> int:
        """Send what is missing, in place of what the same model said before; the number sent. What the server does not keep is
        a reject. Annotators begin from the first of the models: Label Studio lets them begin from one."""
        if not self.guesses:
            return 0
        tasks = {task.segment_id: task for task in self.journal.tasks(key) if task.segment_id in ids and not task.touched}
        mine = {pair: body for pair, body in self.guesses.items() if pair[0] in tasks}
        laden = [tasks[identity] for identity in dict.fromkeys(pair[0] for pair in mine) if tasks[identity].predictions]
        there = set(self._there(project, laden, replaced=set(mine)))
        missing = [pair for pair in mine if pair not in there]
        wanted, created = len(missing), 0
        for attempt in range(LOOKS):
            for first in range(0, len(missing), BATCH):
                batch = missing[first : first + BATCH]
                try:
                    bodies = [{"task": tasks[pair[0]].id, **mine[pair]} for pair in batch]
                    created += self.client.import_predictions(project.id, bodies)
                except ServerUnreachable as problem:
                    log.warning("%s; reading what was stored before going on", problem)
                    time.sleep(2**attempt)
            there = set(self._there(project, [tasks[pair[0]] for pair in missing], key=key))
            if not (missing := [pair for pair in missing if pair not in there]):
                break
        kept = [model for segment_id, model in mine if (segment_id, model) not in missing]
        if kept:
            self.client.begin_from(project.id, kept[0])
        for segment_id, model in missing:
            reason = f"Label Studio did not keep the prediction of {model!r}"
            where = f"{url}/data?task={tasks[segment_id].id}"
            self.rejects(reject("push", url, "prediction_not_kept", reason, id=segment_id, url=where))
        log.debug("%d predictions sent, the server says it made %d", wanted, created)
        return wanted - len(missing)

    def _there(
        self,
        project: Project,
        tasks: Sequence[FoundTask],
        *,
        replaced: Collection[tuple[str, str]] = (),
        key: int | None = None,
    ) -> Iterator[tuple[str, str]]:
        """Which predictions the server has as wanted; of the `replaced`, those that say something else are deleted."""
        for page in self.client.tasks_numbered(project.id, [task.id for task in tasks], _FIELDS):
            found = [found_task(item) for item in page]
            if key is not None:
                self.journal.note(key, found)
            for task, item in zip(found, page, strict=True):
                for prediction in item.get("predictions") or []:
                    pair = (task.segment_id, str(prediction.get("model_version")))
                    if pair in self.guesses and _meaning(prediction.get("result")) == _meaning(self.guesses[pair]["result"]):
                        yield pair
                    elif pair in replaced:
                        self.client.delete_prediction(int(prediction["id"]))


def _meaning(result: object) -> list[str]:
    parts = result if isinstance(result, list) else []
    return sorted(
        json.dumps([p.get("from_name"), p.get("type"), _value(p)], sort_keys=True) for p in parts if isinstance(p, dict)
    )


def _value(part: Json) -> Json:
    value = part.get("value")
    return {k: value.get(k) for k in ("start", "end", "labels", "choices")} if isinstance(value, dict) else {}
