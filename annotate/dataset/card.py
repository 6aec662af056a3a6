"""The dataset card: a README whose YAML head Hugging Face tools read and whose body people read.

Everything in it comes from the manifest, so the two cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from annotate.dataset.minhash import SIMILAR
from annotate.dataset.pages import FEW_PAGES, LONG
from annotate.dataset.plots import agreement_plot, label_plot
from annotate.dataset.splits import SPLITS
from annotate.exporters import Exported
from annotate.schema import LabelSchema

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
_DECIDED_BY = {
    "single": "the one annotator",
    "unanimous": "all annotators alike",
    "majority": "most annotators",
    "ground_truth": "an annotation marked as ground truth",
    "annotator": "the annotator the rule names",
    "adjudicator": "an adjudicator",
}
_SPAN_FIGURES = {"exact_f1": "F1, same ends", "relaxed_f1": "F1, overlapping", "alpha_u": "αᵤ", "alpha_cu": "αcᵤ"}
LABEL_PLOT, AGREEMENT_PLOT = "plots/labels.svg", "plots/agreement.svg"
NO_LICENCE = "LICENCE NOT FILLED IN"
"""Stands in the card of a data set without a licence; `check` finds it."""
_TOPIC_FIGURES = {"alpha": "α", "kappa": "κ"}


def dataset_card(manifest: Mapping[str, Any], schema: LabelSchema, formats: Mapping[str, Exported]) -> str:
    """The card of an export: Markdown with a YAML head."""
    head = yaml.safe_dump(_head(manifest, schema, formats), sort_keys=False, allow_unicode=True, width=120)
    sections = {
        "": _intro(manifest),
        "Composition": _composition(manifest),
        "Labels": _labels(manifest, schema),
        "Splits": _splits(manifest),
        "Agreement": _agreement(manifest),
        "How to load": "\n\n".join(exported.usage for exported in formats.values() if exported.usage),
        "Guidelines": _guidelines(schema),
        "Known limits": "\n".join(f"- {limit}" for limit in _limits(manifest, formats)),
        "Licence": _licence(manifest),
    }
    body = [f"## {title}\n\n{text}" if title else text for title, text in sections.items() if text]
    return "\n\n".join([f"---\n{head}---", f"# {manifest['name']}", *body]) + "\n"


def write_plots(manifest: Mapping[str, Any], folder: Path) -> None:
    """The images the card shows."""
    for name, plot in ((LABEL_PLOT, label_plot(manifest)), (AGREEMENT_PLOT, agreement_plot(manifest))):
        if plot:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(plot.encode())


def _head(manifest: Mapping[str, Any], schema: LabelSchema, formats: Mapping[str, Exported]) -> dict[str, Any]:
    languages = sorted({lang for part in manifest["counts"].values() for lang in part})
    tasks = ["token-classification"] * bool(schema.entities) + ["text-classification"] * bool(schema.topics)
    head: dict[str, Any] = {
        "pretty_name": manifest["name"],
        "language": languages,
        "license": manifest["options"]["licence"] or "unknown",
        "multilinguality": "multilingual" if len(languages) > 1 else "monolingual",
        "size_categories": next((name for limit, name in _SIZES if manifest["records"] < limit), "n>10M"),
        "task_categories": tasks,
    }
    return head | _configurations([exported.card for exported in formats.values() if exported.card])


def _configurations(cards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The `configs` and `dataset_info` of all formats that have some. `load_dataset` takes the one named `default` when it is
    given no name; a single one is that, whatever its format calls it."""
    configs = sorted((one for card in cards for one in card["configs"]), key=lambda one: str(one["config_name"]) != "default")
    infos = {info["config_name"]: info for card in cards for info in card["dataset_info"]}
    match configs:
        case []:
            return {}
        case [only]:
            features = infos[only["config_name"]]["features"]
            return {"configs": [{**only, "config_name": "default"}], "dataset_info": {"features": features}}
    return {"configs": configs, "dataset_info": [infos[one["config_name"]] for one in configs]}


def _intro(manifest: Mapping[str, Any]) -> str:
    schema = manifest["schema"]
    return (
        f"Text segments: {manifest['records']}, from {manifest['documents']} documents, annotated under the label schema "
        f"{schema['name']} {schema['version']} (`schema.yaml`). A segment is a stretch of a document in one language and one "
        "region of the page; each has one settled answer. `manifest.json` has the counts, options, versions and hashes."
    )


def _composition(manifest: Mapping[str, Any]) -> str:
    rows = [
        (split, lang, part["documents"], part["records"], part["empty"], sum(part["labels"].values()))
        for split, languages in manifest["counts"].items()
        for lang, part in languages.items()
    ]
    table = _table(("split", "language", "documents", "records", "without any label", "entities"), rows)
    return f"{table}\n\n{_table(('region', 'records'), manifest['regions'].items())}"


def _labels(manifest: Mapping[str, Any], schema: LabelSchema) -> str:
    totals = {split: Counter[tuple[str, str]]() for split in manifest["counts"]}
    for split, languages in manifest["counts"].items():
        for part in languages.values():
            totals[split].update({(kind, label): n for kind in ("labels", "topics") for label, n in part[kind].items()})
    families = [("labels", "entity", label.id) for label in schema.entities]
    families += [("topics", group.id, label.id) for group in schema.topics for label in group.labels]
    rows = [(kind, label, *(counts[key, label] for counts in totals.values())) for key, kind, label in families]
    meanings = "\n".join(_meanings(schema))
    table = _table(("kind", "label", *totals), rows)
    return f"{table}\n\n![Labels by language]({LABEL_PLOT})" + (f"\n\n{meanings}" if meanings else "")


def _meanings(schema: LabelSchema) -> Iterator[str]:
    """What each label means, where the schema says so."""
    for label in (*schema.entities, *(label for group in schema.topics for label in group.labels)):
        if label.description:
            lang = next((lang for lang in schema.ui_languages if lang in label.description), min(label.description))
            yield f"- **{label.id}** ({lang}): {' '.join(label.description[lang].split())}"


def _splits(manifest: Mapping[str, Any]) -> str:
    train, dev, test = manifest["options"]["splits"].split("/")
    text = (
        "All segments of a document are in one split. So are near-duplicate documents (MinHash over 8-byte shingles of title, "
        f"byline, body and caption; Jaccard similarity of {SIMILAR} or more) and documents that share a text of {LONG} letters "
        f"or more, unless it stands on more than {FEW_PAGES} pages or is navigation, a consent text, promotion, an "
        f"advertisement or a footer. Shares: train {train} %, dev {dev} %, test {test} %, seed {manifest['options']['seed']}. "
        "New documents take their turn in the order of a hash, each to the split that is shortest of its rarest label, "
        "language or region (iterative stratification); once assigned, a document does not move when others are added."
    )
    empty = [split for split in SPLITS if split not in manifest["counts"]]
    if empty:
        text += f" Without any document, and therefore without files: {', '.join(empty)}."
    return text


def _agreement(manifest: Mapping[str, Any]) -> str:
    decided = _table(("decided by", "records"), ((_DECIDED_BY[by], n) for by, n in manifest["decided_by"].items()))
    agreement = manifest["agreement"]
    if not agreement:
        return f"{decided}\n\nAgreement between annotators was not given at export."
    rows = [*_scores("entities", agreement["spans"], _SPAN_FIGURES)]
    for label, scores in agreement["spans"]["labels"].items():
        rows += _scores(f"entity {label}", scores, {key: _SPAN_FIGURES[key] for key in ("exact_f1", "alpha_u")})
    for group, scores in agreement["topics"].items():
        rows += _scores(f"topic {group}", scores, _TOPIC_FIGURES)
    table = _table(("agreement on", "figure", "value", "interval", "segments"), rows)
    plot = f"![Agreement by label]({AGREEMENT_PLOT})\n\n" if agreement_plot(manifest) else ""
    return (
        f"{decided}\n\n{table}\n\n{plot}Measured on the segments that two annotators or more submitted: "
        f"{agreement['segments']}. F1 is over pairs of annotators, α is Krippendorff's (αᵤ for unitizing: where spans are; αcᵤ:"
        " which label, where both marked one), κ is Cohen's (with more than two annotators the mean over pairs). Intervals: "
        "bootstrap over documents, 95 %."
    )


def _scores(what: str, scores: Mapping[str, Any], figures: Mapping[str, str]) -> Iterator[tuple[object, ...]]:
    for key, title in figures.items():
        if scores["n"] and key in scores:  # a summary of an earlier version has fewer figures
            interval = scores["intervals"].get(key)
            value = "undefined" if key in scores["reasons"] else f"{scores[key]:.3f}"
            yield what, title, value, f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "", scores["n"]


def _guidelines(schema: LabelSchema) -> str:
    if not schema.guidelines:
        return ""
    lang = next((lang for lang in schema.ui_languages if lang in schema.guidelines), min(schema.guidelines))
    quoted = "\n".join(f"> {line}".rstrip() for line in schema.guidelines[lang].strip().splitlines())
    return f"What annotators were told, by version {schema.version} of the schema ({lang}):\n\n{quoted}"


def _limits(manifest: Mapping[str, Any], formats: Mapping[str, Exported]) -> Iterator[str]:
    if manifest["texts_in_several_splits"]:
        yield f"Texts that occur word for word in more than one split: {manifest['texts_in_several_splits']}."
    if manifest["decided_by"].get("single"):
        yield f"Records that one annotator alone has seen: {manifest['decided_by']['single']} of {manifest['records']}."
    if manifest["unsettled_topics"]:
        yield f"Records that leave a topic group open (its labels are missing there, not 0): {manifest['unsettled_topics']}."
    if manifest["other_schemas"]:
        versions = ", ".join(f"{count} under {ref}" for ref, count in manifest["other_schemas"].items())
        yield f"Records made under another version of the schema, whose labels were not all asked for there: {versions}."
    if manifest["rejected"]:
        codes = ", ".join(f"{count} {code}" for code, count in manifest["rejected"].items())
        yield f"Left out, with reasons in `rejects.jsonl`: {codes}."
    if any("und" in languages for languages in manifest["counts"].values()):
        yield "The language of some segments is undetermined (`und`)."
    for exported in formats.values():
        yield from exported.limits


def _licence(manifest: Mapping[str, Any]) -> str:
    return (
        manifest["options"]["licence"]
        or f"**{NO_LICENCE}**. The texts keep the rights of their sources: clear them, and export with `--licence`. Until then "
        "`annotate check` names this a finding."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; columns of numbers are set to the right."""
    body = [tuple(row) for row in rows]
    rules = ["---:" if all(isinstance(row[i], int) for row in body) else "---" for i in range(len(head))]
    lines = [head, rules, *body]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
