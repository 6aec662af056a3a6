"""Files are whole or absent; what is left out is written with its reason."""

from __future__ import annotations

import io
import os
import stat
import threading
from pathlib import Path

import pytest

from annotate.codec import dumps, loads
from annotate.errors import AnnotateError, ReadError
from annotate.model import Reject, Segment
from annotate.store import Rejects, read_records, reject, rejects_beside, replacing, write_records
from tests.builders import HARD_TEXTS, segment


def never(item: Reject) -> None:
    raise AssertionError(item)


def test_records_come_back(tmp_path: Path) -> None:
    records = [segment(text, meta={"n": [1, 2.5, None, {"k": "字"}]}) for text in HARD_TEXTS]
    assert write_records(tmp_path / "deep" / "s.jsonl", records) == len(records)
    assert list(read_records(tmp_path / "deep" / "s.jsonl", Segment, never, step="push")) == records


def test_one_record_a_line_in_utf8_with_the_keys_in_order(tmp_path: Path) -> None:
    line = dumps(segment("Mäkelä 👍🏽\nsecond line"))
    assert b"\n" not in line
    assert "Mäkelä 👍🏽".encode() in line
    keys = [part.split(b'"')[0] for part in line.split(b',"')]
    assert [key.decode() for key in keys[1:5]] == ["doc_id", "start", "end", "text"]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("old\n")

    def broken() -> object:
        yield segment()
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_records(path, broken())
    assert path.read_text() == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["s.jsonl"]


def test_a_private_file_is_never_readable_by_others(tmp_path: Path) -> None:
    with replacing(tmp_path / "secret", mode=0o600) as out:
        out.write(b"x")
        (temporary,) = tmp_path.iterdir()
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_bad_lines_are_rejects_with_their_number(tmp_path: Path) -> None:
    good = dumps(segment())
    path = tmp_path / "s.jsonl"
    path.write_bytes(
        b"\n".join([good, b"", b"{not json", b'{"id": 5}', good.replace(b'"start":0', b'"start":-4'), b"\xff\xfe", good])
    )
    with Rejects(tmp_path / "r.jsonl") as rejects:
        assert len(list(read_records(path, Segment, rejects, step="push"))) == 2
    written = [loads(line, Reject) for line in (tmp_path / "r.jsonl").read_bytes().splitlines()]
    assert [item.line for item in written] == [3, 4, 5, 6]
    assert {item.step for item in written} == {"push"}
    assert rejects.total == 4
    assert "id" in written[1].reason
    assert "start" in written[2].reason


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"none\.jsonl"):
        list(read_records(tmp_path / "none.jsonl", Segment, never, step="push"))


def test_no_rejects_no_file_and_an_old_one_goes(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("of an earlier run")
    with Rejects(path):
        pass
    assert not path.exists()


def test_a_reject_keeps_two_kilobytes_of_its_record() -> None:
    assert len(reject("push", "f", "code", "why", record="字" * 5000).record.encode()) <= 2048 + 3
    assert reject("push", "f", "code", "why", record="half \ud83d").record == "half \\ud83d"


@pytest.mark.parametrize(
    ("output", "expected"),
    [("a/s.jsonl", "a/s.rejects.jsonl"), ("s.json", "s.json.rejects.jsonl"), ("-", "annotate-segment.rejects.jsonl")],
)
def test_where_rejects_go_by_default(output: str, expected: str) -> None:
    assert rejects_beside(output, "segment") == Path(expected)


def test_a_verb_without_output_never_takes_the_rejects_of_the_one_before() -> None:
    assert rejects_beside("a/segments.jsonl", "push", of_input=True) == Path("a/segments.push.rejects.jsonl")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    write_records(tmp_path / "link.jsonl", [segment()])
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl").stat().st_size > 0


def test_a_pipe_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_records(pipe, [segment("One.")])
    reader.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert loads(received[0], Segment).text == "One."


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "s.jsonl"):
        with pytest.raises(AnnotateError, match="cannot write"):
            write_records(path, [segment()])


def test_standard_input_and_output(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write_records("-", [segment("One.")])
    line = capsysbinary.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line)))
    assert [s.text for s in read_records("-", Segment, never, step="push")] == ["One."]
