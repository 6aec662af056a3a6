"""`annotate check`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import label_schema, label_studio_url, schema_option, settings_near, url_option
from annotate.errors import FINDINGS, OK, UsageError

if TYPE_CHECKING:
    from annotate.lint import Fix, Lint


@click.command(short_help="Find what a reviewer would object to in segments, annotations, gold, an export.")
@click.argument("path")
@schema_option
@click.option("--strict", is_flag=True, help="Exit with 3 for warnings too.")
@click.option("--fix", is_flag=True, help="Put the ends of spans right where that is safe; needs -o.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where --fix writes.")
@click.option(
    "--annotations",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Where findings in gold records look their task up [default: annotations.jsonl beside PATH].",
)
@url_option
@common_options
@click.pass_obj
def check(
    console: Console,
    path: str,
    schema: str | None,
    strict: bool,
    fix: bool,
    output: Path | None,
    annotations: Path | None,
    url: str | None,
) -> int:
    """Look for mistakes in PATH: segments.jsonl, annotations.jsonl, gold.jsonl (the first record tells which; - is standard
    input), or an export folder, which is compared with its manifest.

    Labels, overlaps and languages are compared with the schema that --schema, the environment or annotate.yaml names.
    Findings in annotations name their task in the Label Studio that --url, the settings or the embedded server name; those in
    gold records, which do not know theirs, the first task of their segment in --annotations.
    With --fix, FILE is copied to -o with the safe corrections made, and the copy is looked at: white space, punctuation that is
    part of no name, half characters; half words where the file has the whole word with that label.

    Ends with 3 when there are errors, with --strict also when there are warnings.
    """
    from annotate import lint
    from annotate.store import STDIO

    if fix != (output is not None):
        raise UsageError("--fix and -o go together", hint="annotate check gold.jsonl --fix -o gold.fixed.jsonl")
    if fix and Path(path).is_dir():
        raise UsageError(f"{path} is a folder: only files can be fixed", hint="fix the gold records and export again")
    config = settings_near(path, schema=schema)
    labels = None if config.settings["schema"].origin == "default" else label_schema(config)
    fixes = lint.fix(path, output) if output is not None else ()
    looked_at = str(output or path)
    beside = Path(path).with_name("annotations.jsonl") if path != STDIO and Path(path).is_file() else None
    report = lint.check(
        looked_at,
        labels,
        url=url or label_studio_url(config),
        annotations=annotations or (beside if beside and beside.is_file() else None),
    )
    _tell(console, looked_at, report, fixes)
    if labels is None and report.kind in ("annotations", "gold"):
        console.note("no schema is named: labels, overlaps and languages were not looked at")
    console.document(
        {
            "kind": report.kind,
            "records": report.records,
            "errors": report.errors,
            "warnings": len(report.findings) - report.errors,
            "counts": report.counts,
            "findings": [asdict(finding) for finding in report.findings],
            "fixed": [asdict(done) for done in fixes],
        }
    )
    return FINDINGS if report.errors or (strict and report.findings) else OK


def _tell(console: Console, path: str, report: Lint, fixes: tuple[Fix, ...]) -> None:
    for done in fixes:
        codes = " and ".join(done.codes)
        where = f"{list(done.was)} -> {list(done.now)} {done.text!r}"
        console.note(f"line {done.line}: fixed {codes}: {done.label} {where}")
    for finding in report.findings:
        where = f"{path}:{finding.line}" if finding.line > 0 else path
        about = f" [{finding.id}]" if finding.line > 0 and finding.id else ""
        task = f" {finding.url}" if finding.url else ""
        console.data(f"{where}: {finding.level}: {finding.code}: {finding.message}{about} ({finding.hint}){task}")
    what = "files" if report.kind == "export" else "records"
    console.note(f"{report.kind}: {report.records:,} {what}; findings: {counts(report.counts)}")
