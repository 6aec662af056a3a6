"""Many annotations of a segment → one gold record, or one conflict that says what is settled and what is open.

Each exact span (start, end, label) is a question to all annotators who submitted the segment; each topic group is one to those
who answered it: which label (single choice), or of each label whether it holds (multiple choice). A rule says whose answers
count and when they settle a question. A segment becomes gold only when every question is settled. Whether settled spans may
overlap is not looked at here: the label schema says so, and export acts on it.

A skipped annotation has no vote. A segment that has only those becomes neither gold nor conflict; it is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Protocol, TypeVar

from annotate.agreement import (
    Group,
    Panel,
    Panels,
    Report,
    answer,
    gather,
    latest,
    natural,
    newest_schema,
    pseudonyms,
    rehome,
    segment_agreement,
)
from annotate.codec import dumps
from annotate.errors import InvariantError, UnknownName, UsageError
from annotate.model import Annotation, DecidedBy, GoldMeta, GoldRecord, Reject, SchemaRef, Segment, Span, TaskRef
from annotate.store import reject

T = TypeVar("T", bool, str)


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Rule(Protocol):
    """Whose answers count, and when they settle a question."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def authority(self) -> DecidedBy | None:
        """What gold records say decided them; None when it depends on the votes."""

    @property
    def no_voter(self) -> str:
        """The reason of a conflict when nobody who counts submitted the segment; one word a script can switch on."""

    def voters(self, submitted: Sequence[Annotation]) -> Sequence[Annotation]:
        """Those of the submitted annotations (one or more, one per annotator) that count."""

    def settle(self, answers: Sequence[T]) -> T | None:
        """The answer to one question, from those of the voters (one or more); None leaves it open."""


@dataclass(frozen=True, slots=True)
class Unanimous:
    """All say the same."""

    name: ClassVar[str] = "unanimous"
    authority: ClassVar[DecidedBy | None] = None
    no_voter: ClassVar[str] = ""

    def voters(self, submitted: Sequence[Annotation]) -> Sequence[Annotation]:
        return submitted

    def settle(self, answers: Sequence[T]) -> T | None:
        return answers[0] if len(set(answers)) == 1 else None


@dataclass(frozen=True, slots=True)
class Majority:
    """More than half say the same. A tie stays open, for the next rule or a person; so does the most frequent of several
    answers when it has no more than half."""

    name: ClassVar[str] = "majority"
    authority: ClassVar[DecidedBy | None] = None
    no_voter: ClassVar[str] = ""

    def voters(self, submitted: Sequence[Annotation]) -> Sequence[Annotation]:
        return submitted

    def settle(self, answers: Sequence[T]) -> T | None:
        ((favourite, votes),) = Counter(answers).most_common(1)
        return favourite if 2 * votes > len(answers) else None


@dataclass(frozen=True, slots=True)
class Threshold:
    """At least this share says the same, be it that there is a span or that there is none; else it stays open. `UsageError` for
    a share that two answers could have at once, or none."""

    share: Fraction
    authority: ClassVar[DecidedBy | None] = None
    no_voter: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if not Fraction(1, 2) < self.share <= 1:
            raise UsageError(
                f"a threshold of {self.share} settles nothing", hint="it must be over 1/2 and at most 1, such as 2/3"
            )

    @property
    def name(self) -> str:
        return f"threshold={self.share}"

    def voters(self, submitted: Sequence[Annotation]) -> Sequence[Annotation]:
        return submitted

    def settle(self, answers: Sequence[T]) -> T | None:
        ((favourite, votes),) = Counter(answers).most_common(1)
        return favourite if votes >= self.share * len(answers) else None


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The annotation marked as ground truth in Label Studio; of several, they must say the same."""

    name: ClassVar[str] = "ground-truth"
    authority: ClassVar[DecidedBy | None] = "ground_truth"
    no_voter: ClassVar[str] = "no_ground_truth"

    def voters(self, submitted: Sequence[Annotation]) -> Sequence[Annotation]:
        return [annotation for annotation in submitted if annotation.ground_truth]

    def settle(self, answers: Sequence[T]) -> T | None:
        return Unanimous().settle(answers)


@dataclass(frozen=True, slots=True)
class ByAnnotator:
    """What one annotator says."""

    annotator: str
    authority: ClassVar[DecidedBy | None] = "annotator"
    no_voter: ClassVar[str] = "annotator_absent"

    @property
    def name(self) -> str:
        return f"annotator={self.annotator}"

    def voters(self, submitted: Sequence[Annotation]) -> Sequence[Annotation]:
        return [annotation for annotation in submitted if annotation.annotator == self.annotator]

    def settle(self, answers: Sequence[T]) -> T | None:
        return Unanimous().settle(answers)


_RULES: Mapping[str, Rule] = {rule.name: rule for rule in (Unanimous(), Majority(), GroundTruth())}

RULES = (*_RULES, "threshold=SHARE", "annotator=X")
"""The rules by name."""


def rule_named(name: str) -> Rule:
    """The rule called `name`: `unanimous`, `majority`, `ground-truth`, `threshold=SHARE` with a share such as 2/3 or 0.75, or
    `annotator=X` with the name of an annotator as it stands in the annotations, or their pseudonym. `UnknownName` when there is
    none, `UsageError` when the annotator is missing or the share is none."""
    kind, equals, value = name.partition("=")
    if kind == "annotator":
        if not value:
            raise UsageError("the rule 'annotator' needs the name of one", hint="write annotator=NAME")
        return ByAnnotator(value)
    if kind == "threshold":
        try:
            return Threshold(Fraction(value))
        except (ValueError, ZeroDivisionError):
            raise UsageError(f"{value!r} is no share", hint="write threshold=2/3 or threshold=0.75") from None
    if equals or kind not in _RULES:
        raise UnknownName("rule", name, RULES)
    return _RULES[kind]


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answer:
    """Spans and topics of a segment; a topic group nobody answered is no key of `topics`."""

    spans: tuple[Span, ...]
    topics: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """A span annotators disagree about: who marked it. The conflict's other annotators did not."""

    start: int
    end: int
    label: str
    text: str
    marked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenLabel:
    """A topic label annotators disagree about: who chose it."""

    label: str
    chosen_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenTopic:
    """What is open in a topic group, and who answered it at all. In a multiple choice, labels not listed are settled."""

    group: str
    labels: tuple[OpenLabel, ...]
    answered_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """The questions of a segment that a rule left open."""

    spans: tuple[OpenSpan, ...]
    topics: tuple[OpenTopic, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A segment that a rule could not settle: one line of `gold.conflicts.jsonl`, with all a reviewer needs."""

    segment: Segment
    rule: str
    reason: str
    """`disagreement`; `no_ground_truth` or `annotator_absent` when nobody who counts submitted it: then everything is open."""
    settled: Answer
    open: Open
    annotators: tuple[str, ...]
    """Who submitted the segment, under the names gold records use."""
    tasks: tuple[TaskRef, ...]
    """Where their annotations are, in the same order."""
    schema: SchemaRef
    agreement: float
    """As in gold records: in [0, 1], -1.0 below two annotators."""


@dataclass(frozen=True, slots=True)
class Adjudication:
    """Gold records and conflicts, sorted by document and position, and what became of all the rest."""

    rules: tuple[str, ...]
    gold: tuple[GoldRecord, ...]
    conflicts: tuple[Conflict, ...]
    counts: Mapping[str, int]
    """`annotations`; `segments` = `gold` + `conflicts` + `skipped` + `rejected` (no usable annotation); and gold records by
    what decided them."""
    left_out: Mapping[str, int]
    """Rejected annotations by code."""
    schemas: Mapping[SchemaRef, int]
    """Annotations by schema; with more than one, part of the gold may need a migration before it is exported."""
    groups_inferred: bool
    """No schema was given: `cats` holds only labels that someone chose."""
    names: bool
    """Whether people appear by their names."""
    aliases: Mapping[str, str]
    """Annotator or adjudicator → the name in gold records and conflicts. Not for publication."""
    annotators: int
    adjudicators: Mapping[str, Mapping[str, int]]
    """Who decided conflicts, by the name in `aliases`: their `decisions`, and how many of them about segments they annotated
    themselves (`own`): there they are judges in their own cause."""

    def summary(self, agreement: Report | None = None, inputs: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What `gold.summary.json` holds. `inputs` are the hashes of the files this comes from. Unless `adjudicate` was
        told to keep names, no annotator's name is in it (give it a report without names, too)."""
        return {
            "rules": list(self.rules),
            "counts": dict(self.counts),
            "left_out": dict(self.left_out),
            "schemas": [
                {"name": ref.name, "version": ref.version, "sha256": ref.sha256, "annotations": count}
                for ref, count in self.schemas.items()
            ],
            "groups_inferred": self.groups_inferred,
            "annotators": self.annotators,
            "names": self.names,
            "adjudicators": {name: dict(numbers) for name, numbers in self.adjudicators.items()},
            "agreement": agreement.to_json() if agreement else {},
            "inputs": dict(inputs or {}),
        }


def readings(conflict: Conflict) -> dict[str, Answer]:
    """Annotator → their reading of the segment as far as it is open, with everything settled: what a reviewer chooses from."""
    found = {}
    for annotator in conflict.annotators:
        spans = [Span(o.start, o.end, o.label, o.text) for o in conflict.open.spans if annotator in o.marked_by]
        topics = dict(conflict.settled.topics)
        for topic in conflict.open.topics:
            if annotator in topic.answered_by:
                chosen = tuple(o.label for o in topic.labels if annotator in o.chosen_by)
                topics[topic.group] = (*topics.get(topic.group, ()), *chosen)
        found[annotator] = Answer(tuple(sorted((*conflict.settled.spans, *spans))), topics)
    return found


# ── adjudication ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def adjudicate(
    annotations: Iterable[Annotation],
    rules: Rule | Sequence[Rule],
    groups: Sequence[Group] | None = None,
    *,
    entities: Sequence[str] | None = None,
    decisions: Iterable[Annotation] = (),
    rejects: Callable[[Reject], None] = lambda _: None,
    source: str = "",
    decisions_source: str = "",
    names: bool = False,
    known: Mapping[str, str] | None = None,
) -> Adjudication:
    """Gold records and conflicts from the annotations of a corpus. The order of the input makes no difference.

    Each rule is asked what those before it leave open. `groups` are the topic groups of the schema and `entities` its span
    labels; both are read off the annotations when absent. `decisions` are the annotations of adjudicators: of a segment that
    has one, it is the gold record, whatever the rules say. People become A1, A2 … by their sorted names unless `names`; `known`
    are the pseudonyms they have already. What cannot be used goes to `rejects`, see `agreement.gather`; `source` and
    `decisions_source` name the files in it. `UnknownName` when a rule names an annotator who is in no annotation, `UsageError`
    without a rule."""
    panels = gather(annotations, groups, entities=entities, rejects=rejects, step="adjudicate", source=source)
    review = gather(decisions, panels.groups, entities=entities, rejects=rejects, step="adjudicate", source=decisions_source)
    if names:
        aliases = {name: name for name in (*panels.annotators, *review.annotators)}
    else:
        aliases = pseudonyms(panels.annotators, known)
        aliases |= pseudonyms(review.annotators, {**(known or {}), **aliases})
    if entities is None:
        with_spans = any(annotation.spans for panel in panels.panels for annotation in panel.submitted)
    else:
        with_spans = bool(entities)
    bench = _Bench(_resolved(rules, panels.annotators, aliases), panels.groups, aliases, with_spans)
    decided, unusable = _decisions(review, panels, rejects, decisions_source)
    adjudicators: dict[str, Counter[str]] = defaultdict(Counter)
    gold, conflicts, skipped = [], [], 0
    for panel in panels.panels:
        if decision := decided.get(panel.segment.id):
            gold.append(bench.decided(panel, decision))
            own = any(annotation.annotator == decision.annotator for annotation in panel.submitted)
            adjudicators[aliases[decision.annotator]].update(decisions=1, own=int(own))
        elif not panel.submitted:
            skipped += 1
        elif isinstance(result := bench.adjudicate(panel), GoldRecord):
            gold.append(result)
        else:
            conflicts.append(result)
    by_decision = Counter(record.meta.decided_by for record in gold)
    return Adjudication(
        rules=bench.rule_names,
        gold=tuple(gold),
        conflicts=tuple(conflicts),
        counts={
            "annotations": sum(panels.schemas.values()),
            "segments": panels.segments,
            "gold": len(gold),
            "conflicts": len(conflicts),
            "skipped": skipped,
            "rejected": panels.segments - len(panels.panels),
            **dict(sorted(by_decision.items())),
        },
        left_out=dict(sorted((Counter(panels.left_out) + unusable).items())),
        schemas=panels.schemas,
        groups_inferred=panels.groups_inferred,
        names=names,
        aliases=aliases,
        annotators=len(panels.annotators),
        adjudicators={name: dict(adjudicators[name]) for name in sorted(adjudicators, key=natural)},
    )


def _resolved(rules: Rule | Sequence[Rule], annotators: Sequence[str], aliases: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules as a sequence, with annotators by their names where a pseudonym was given."""
    given = tuple(rules) if isinstance(rules, Sequence) else (rules,)
    if not given:
        raise UsageError("there is no rule to adjudicate by", hint=f"known: {', '.join(RULES)}")
    named = {aliases[name]: name for name in annotators}
    found: list[Rule] = []
    for rule in given:
        if isinstance(rule, ByAnnotator) and rule.annotator not in annotators:
            if rule.annotator not in named:
                raise UnknownName("annotator", rule.annotator, annotators)
            rule = ByAnnotator(named[rule.annotator])
        found.append(rule)
    return tuple(found)


def _decisions(
    review: Panels, panels: Panels, rejects: Callable[[Reject], None], source: str
) -> tuple[dict[str, Annotation], Counter[str]]:
    """Segment id → the last decision about it, and the number of those that cannot be used by code."""
    segments = {panel.segment.id: panel.segment for panel in panels.panels}
    decided: dict[str, Annotation] = {}
    unusable = Counter(review.left_out)

    def leave_out(annotation: Annotation, code: str, reason: str, hint: str) -> None:
        unusable[code] += 1
        raw = dumps(annotation)
        rejects(reject("adjudicate", source, code, reason, id=annotation.segment.id, hint=hint, record=raw))

    for panel in review.panels:
        if not panel.submitted:
            continue
        last = latest(panel.submitted)
        for earlier in panel.submitted:
            if earlier is not last:
                reason = f"{last.annotator} decided after {earlier.annotator}"
                leave_out(earlier, "superseded", reason, "the later decision counts")
        if panel.segment.id not in segments:
            leave_out(last, "no_annotation", "a decision about a segment without usable annotations", "pull again")
            continue
        try:
            decided[panel.segment.id] = rehome(last, segments[panel.segment.id])
        except InvariantError as problem:
            leave_out(last, "text_mismatch", problem.message, "review the segment again")
    return decided, unusable


@dataclass(slots=True)
class _Verdict:
    """What the votes on one segment have come to."""

    spans: list[Span] = field(default_factory=list)
    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    open_spans: list[OpenSpan] = field(default_factory=list)
    open_topics: list[OpenTopic] = field(default_factory=list)
    unanimous: bool = True
    last: int = 0
    """The number of the last rule that settled something."""


@dataclass(frozen=True, slots=True)
class _Court:
    """A rule and those whose answers about a segment count for it."""

    number: int
    rule: Rule
    voters: Sequence[Annotation]


@dataclass(frozen=True, slots=True)
class _Bench:
    """The rules and what they need to know about the corpus."""

    rules: tuple[Rule, ...]
    groups: tuple[Group, ...]
    aliases: Mapping[str, str]
    with_spans: bool

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The rules' names, free of annotators' names where they are not wanted."""
        return tuple(
            ByAnnotator(self.aliases[rule.annotator]).name if isinstance(rule, ByAnnotator) else rule.name
            for rule in self.rules
        )

    def adjudicate(self, panel: Panel) -> GoldRecord | Conflict:
        courts = [
            _Court(number, rule, voters) for number, rule in enumerate(self.rules) if (voters := rule.voters(panel.submitted))
        ]
        verdict = _Verdict(last=courts[0].number if courts else 0)
        self._spans(verdict, panel, courts)
        for group in self.groups:
            self._topics(verdict, group, panel, courts)
        if not courts or verdict.open_spans or verdict.open_topics:
            return self._conflict(panel, verdict, "disagreement" if courts else self.rules[0].no_voter)
        return self._gold(panel, Answer(tuple(verdict.spans), verdict.topics), self._decided_by(panel, verdict))

    def decided(self, panel: Panel, decision: Annotation) -> GoldRecord:
        """The gold record of a segment an adjudicator has decided."""
        given = {group.id: answer(decision, group) for group in self.groups}
        topics = {group: tuple(labels) for group, labels in given.items() if labels is not None}
        return self._gold(panel, Answer(decision.spans, topics), "adjudicator", decision.schema)

    def _spans(self, verdict: _Verdict, panel: Panel, courts: Sequence[_Court]) -> None:
        marked: dict[Span, set[str]] = defaultdict(set)
        for annotation in panel.submitted:
            for span in annotation.spans:
                marked[span].add(annotation.annotator)
        for span, markers in sorted(marked.items()):
            ballots = [(court, [voter.annotator in markers for voter in court.voters]) for court in courts]
            match _settled(verdict, ballots):
                case True:
                    verdict.spans.append(span)
                case None:
                    marked_by = self._names(a for a in panel.submitted if a.annotator in markers)
                    verdict.open_spans.append(OpenSpan(span.start, span.end, span.label, span.text, marked_by))

    def _topics(self, verdict: _Verdict, group: Group, panel: Panel, courts: Sequence[_Court]) -> None:
        ballots = [(court, given) for court in courts if (given := _answers(court.voters, group))]
        asked = [labels for _, given in ballots for labels in given] if courts else _answers(panel.submitted, group)
        if not asked:
            return
        before = verdict.last, verdict.unanimous
        chosen = [label for label in group.labels if any(label in labels for labels in asked)]
        holds: dict[str, bool | None]
        if group.choice == "single":
            winner = _settled(verdict, [(court, [label for labels in given for label in labels]) for court, given in ballots])
            holds = {label: None if winner is None else label == winner for label in chosen}
        else:
            holds = {
                label: _settled(verdict, [(court, [label in labels for labels in given]) for court, given in ballots])
                for label in chosen
            }
        undecided = [label for label in chosen if holds[label] is None]
        if undecided and ballots and ballots[0][0] is not courts[0]:
            # The foremost voters left it unanswered, and so it stays: a further rule may add an answer, no conflict.
            verdict.last, verdict.unanimous = before
            return
        if group.choice == "multi" or not undecided:
            verdict.topics[group.id] = tuple(label for label in chosen if holds[label])
        if undecided:
            verdict.open_topics.append(self._open_topic(panel, group, undecided))

    def _open_topic(self, panel: Panel, group: Group, undecided: Sequence[str]) -> OpenTopic:
        answered = [annotation for annotation in panel.submitted if answer(annotation, group) is not None]
        labels = tuple(
            OpenLabel(label, self._names(annotation for annotation in answered if label in annotation.topics[group.id]))
            for label in undecided
        )
        return OpenTopic(group.id, labels, self._names(answered))

    def _decided_by(self, panel: Panel, verdict: _Verdict) -> DecidedBy:
        if authority := self.rules[verdict.last].authority:
            return authority
        if len(panel.submitted) == 1:
            return "single"
        return "unanimous" if verdict.unanimous else "majority"

    def _gold(self, panel: Panel, given: Answer, decided_by: DecidedBy, schema: SchemaRef | None = None) -> GoldRecord:
        segment = panel.segment
        schema = schema or newest_schema(panel.submitted)
        cats = {
            label: float(label in given.topics[group.id])
            for group in self.groups
            if group.id in given.topics
            for label in group.labels
        }
        return GoldRecord(
            id=segment.id,
            text=segment.text,
            spans=given.spans,
            cats=cats,
            accept=tuple(label for label, value in cats.items() if value),
            answer="accept",
            meta=GoldMeta(
                doc_id=segment.doc_id,
                segment_id=segment.id,
                lang=segment.lang,
                region=segment.region,
                start=segment.start,
                end=segment.end,
                split="",
                cluster="",
                schema=str(schema),
                schema_sha256=schema.sha256,
                decided_by=decided_by,
                n_annotators=len(panel.submitted),
                annotators=self._names(panel.submitted),
                agreement=self._agreement(panel),
            ),
        )

    def _conflict(self, panel: Panel, verdict: _Verdict, reason: str) -> Conflict:
        return Conflict(
            segment=panel.segment,
            rule=", ".join(self.rule_names),
            reason=reason,
            settled=Answer(tuple(verdict.spans), verdict.topics),
            open=Open(tuple(verdict.open_spans), tuple(verdict.open_topics)),
            annotators=self._names(panel.submitted),
            tasks=tuple(annotation.task for annotation in self._in_order(panel.submitted)),
            schema=newest_schema(panel.submitted),
            agreement=self._agreement(panel),
        )

    def _agreement(self, panel: Panel) -> float:
        return round(segment_agreement(panel.submitted, self.groups, spans=self.with_spans), 6)

    def _names(self, annotations: Iterable[Annotation]) -> tuple[str, ...]:
        return tuple(self.aliases[annotation.annotator] for annotation in self._in_order(annotations))

    def _in_order(self, annotations: Iterable[Annotation]) -> list[Annotation]:
        """By the names that are seen: the order must not tell the others."""
        return sorted(annotations, key=lambda annotation: natural(self.aliases[annotation.annotator]))


def _answers(annotations: Iterable[Annotation], group: Group) -> list[frozenset[str]]:
    return [labels for annotation in annotations if (labels := answer(annotation, group)) is not None]


def _settled(verdict: _Verdict, ballots: Sequence[tuple[_Court, Sequence[T]]]) -> T | None:
    """What the first court says that can settle a question; None when none can."""
    for court, answers in ballots:
        if (settled := court.rule.settle(answers)) is not None:
            verdict.last = max(verdict.last, court.number)
            verdict.unanimous &= len(set(answers)) == 1
            return settled
    return None
