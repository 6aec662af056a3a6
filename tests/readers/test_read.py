"""The front door: which files, in which order, under which ids, and what becomes of those that cannot be read."""

from __future__ import annotations

import gzip
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from annotate.errors import AnnotateError, ReadError, UnknownName, UsageError
from annotate.model import Document, Reject
from annotate.offsets import to_source
from annotate.readers import FORMATS, opening, read
from annotate.readers.inputs import SUFFIXES

PACK = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress, "": lambda data: data}


class Reader:
    """Writes files into a folder and reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rejects: list[Reject] = []

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, *inputs: str | Path, format: str = "") -> list[Document]:
        self.rejects = []
        return list(read(inputs or [self.folder], self.rejects.append, format=format))

    def ids(self, *inputs: str | Path, format: str = "") -> list[str]:
        return [document.doc_id for document in self.read(*inputs, format=format)]

    @property
    def codes(self) -> list[str]:
        return [item.code for item in self.rejects]

    def only_reject(self) -> Reject:
        (item,) = self.rejects
        return item


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))

    return put


# --- which files, in which order, under which ids ---


def test_a_folder_is_walked_in_the_order_of_its_paths(reader: Reader) -> None:
    for name in ("b.txt", "a/z.txt", "a-b.txt", "a.txt", "a/b/c.html", "ä.txt", "B.txt"):
        reader.file(name, "Hello")
    ids = reader.ids()
    assert ids == sorted(ids) == ["B.txt", "a-b.txt", "a.txt", "a/b/c.html", "a/z.txt", "b.txt", "ä.txt"]


def test_hidden_files_and_other_suffixes_of_a_folder_are_passed_over(reader: Reader) -> None:
    for name in ("yes.txt", ".no.txt", ".git/no.txt", "no.pdf", "README", "no.txt.bak", "sub/.no.html"):
        reader.file(name, "Hello")
    assert reader.ids() == ["yes.txt"]
    assert reader.rejects == []


def test_links_to_folders_are_not_followed_and_links_to_files_are(reader: Reader) -> None:
    target = reader.file("a/one.txt", "Hello")
    (reader.folder / "a/loop").symlink_to(reader.folder / "a")
    (reader.folder / "b.txt").symlink_to(target)
    (reader.folder / "dead.txt").symlink_to(reader.folder / "nowhere")
    assert reader.ids() == ["a/one.txt", "b.txt"]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("name", ["x.txt", "x.html", "x.htm", "X.HTML", "x.xhtml"])
def test_every_suffix_of_one_document_also_compressed(reader: Reader, name: str, suffix: str) -> None:
    path = reader.file(name + suffix, PACK[suffix]("Füße".encode()))
    for inputs in ([path], [reader.folder]):
        (document,) = reader.read(*inputs)
        assert (document.doc_id, document.text.strip()) == (name, "Füße")


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson"])
def test_every_suffix_of_jsonl_also_compressed(reader: Reader, name: str, suffix: str) -> None:
    reader.file(name + suffix, PACK[suffix]('{"text":"Füße"}\n\n{"id":"b","text":"Hände"}'.encode()))
    assert reader.ids() == [f"{name}#1", "b"]


def test_ids_of_files_are_relative_to_their_common_parent(reader: Reader) -> None:
    one, two = reader.file("corpus/a/1.txt", "x"), reader.file("corpus/b/2.txt.gz", gzip.compress(b"y"))
    assert reader.ids(one, two) == ["a/1.txt", "b/2.txt"]
    assert reader.ids(two, one) == ["b/2.txt", "a/1.txt"]
    assert reader.ids(two) == ["2.txt"]


def test_ids_do_not_depend_on_how_the_path_is_written(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    reader.file("corpus/a/1.txt", "x")
    reader.file("corpus/b.txt", "x")
    monkeypatch.chdir(reader.folder)
    (reader.folder / "here").mkdir()
    for folder in ("corpus", "./corpus/", "here/../corpus", reader.folder / "corpus"):
        assert reader.ids(folder) == ["a/1.txt", "b.txt"]
    assert reader.ids("corpus/a/1.txt", "here/../corpus/b.txt") == ["a/1.txt", "b.txt"]


def test_names_that_are_no_utf8_are_escaped(reader: Reader) -> None:
    name = os.fsencode(reader.folder) + b"/caf\xe9.txt"
    Path(os.fsdecode(name)).write_text("Hello")
    assert reader.ids() == ["caf\\xe9.txt"]


def test_the_same_id_twice_the_first_is_kept_and_both_places_are_named(reader: Reader) -> None:
    reader.file("a.jsonl", '{"id":"x","text":"one"}\n{"id":"y","text":"two"}\n{"id":"x","text":"three"}\n')
    assert [d.text for d in reader.read()] == ["one", "two"]
    item = reader.only_reject()
    assert (item.code, item.line, item.id) == ("duplicate_id", 3, "x")
    assert f"{item.source}:1" in item.reason
    assert f"{item.source}:3" in item.reason


def test_a_file_given_twice_is_read_once(reader: Reader) -> None:
    path = reader.file("a.txt", "x")
    assert reader.ids(path, path) == ["a.txt"]
    assert reader.codes == ["duplicate_id"]


def test_a_rejected_document_does_not_take_its_id(reader: Reader) -> None:
    reader.file("a.jsonl", '{"id":"x","text":" "}\n{"id":"x","text":"two"}\n')
    assert [d.text for d in reader.read()] == ["two"]
    assert reader.codes == ["empty"]


def test_numbers_become_ids(reader: Reader) -> None:
    reader.file("a.jsonl", '{"id":7,"text":"x"}\n{"id":1.5,"text":"x"}\n{"id":null,"text":"x"}\n{"id":"","text":"x"}\n')
    assert reader.ids() == ["7", "1.5", "a.jsonl#3", "a.jsonl#4"]


# --- standard input ---


def test_standard_input_is_jsonl_unless_said(reader: Reader, stdin: Callable[[bytes], None]) -> None:
    stdin(b'{"text":"one"}\n{"id":"b","text":"two"}\n')
    assert reader.ids("-") == ["stdin#1", "b"]
    stdin(b"\xef\xbb\xbfone\r\ntwo")
    (document,) = reader.read("-", format="txt")
    assert (document.doc_id, document.text) == ("stdin", "one\ntwo")
    stdin(b"<p>one<p>two")
    (document,) = reader.read("-", format="html")
    assert document.text == "one\ntwo\n"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_standard_input(reader: Reader, stdin: Callable[[bytes], None], suffix: str) -> None:
    stdin(PACK[suffix](b'{"id":"a","text":"one"}\n'))
    assert reader.ids("-") == ["a"]


def test_standard_input_stays_open_and_its_rejects_name_it(reader: Reader, stdin: Callable[[bytes], None]) -> None:
    stdin(b"nonsense\n")
    assert reader.ids("-") == []
    assert (reader.only_reject().source, reader.only_reject().line) == ("<stdin>", 1)
    assert not sys.stdin.buffer.closed


# --- what ends the run at once ---


@pytest.mark.parametrize(
    ("inputs", "format", "error", "says"),
    [
        ([], "", UsageError, "nothing to read"),
        (["-", "-"], "", UsageError, "only once"),
        (["missing.txt"], "", ReadError, "missing.txt"),
        (["paper.pdf"], "", UsageError, ".pdf"),
        (["noname"], "", UsageError, "noname"),
        (["paper.pdf"], "pdf", UnknownName, "pdf"),
        (["empty"], "", ReadError, "empty"),
        (["useless"], "", ReadError, "useless"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, inputs: list[str], format: str, error: type[AnnotateError], says: str
) -> None:
    monkeypatch.chdir(reader.folder)
    reader.file("paper.pdf", "%PDF-1.7")
    reader.file("noname", "text")
    reader.file("useless/.hidden.txt", "text")
    (reader.folder / "empty").mkdir()
    with pytest.raises(error, match=says) as caught:
        read(inputs, reader.rejects.append, format=format)
    assert caught.value.hint


def test_an_unknown_suffix_names_the_known_ones_and_the_option(reader: Reader) -> None:
    with pytest.raises(UsageError) as caught:
        read([reader.file("a.doc", "x")], reader.rejects.append)
    assert all(suffix in caught.value.hint for suffix in [*SUFFIXES, ".gz", ".zst", "--format"])


def test_format_reads_a_file_of_any_name(reader: Reader) -> None:
    assert reader.ids(reader.file("noname", "text"), format="txt") == ["noname"]
    assert reader.read(reader.file("page.txt", "<p>a<p>b"), format="html")[0].text == "a\nb\n"


def test_every_format_has_a_suffix_and_a_reader() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)
    assert all(callable(FORMATS.get(name)) for name in FORMATS)


# --- rejects ---


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        ("a.txt", b"", "empty", "empty"),
        ("a.txt", b" \r\n\t\xc2\xa0\n", "empty", "white space"),
        ("a.txt", b"\xef\xbb\xbf", "empty", "white space"),
        ("a.txt", b"caf\xe9 au lait", "not_utf8", "byte 3"),
        ("a.txt", b"one\ntwo\nthr\xe9e", "not_utf8", "line 3"),
        ("a.txt", "Füße".encode("utf-16"), "not_utf8", "UTF-16"),
        ("a.txt", b"a\xed\xa0\xbdb", "lone_surrogate", "byte 1"),
        ("a.txt", b"a\xedb", "not_utf8", "0xed at byte 1"),
        ("a.txt", b"a\0b", "binary", "byte 1"),
        ("a.txt", b"\xff\0b", "binary", "NUL"),
        ("a.txt", b"%PDF-1.7\n%\xe2\xe3", "binary", "PDF"),
        ("a.html", b"PK\x03\x04\x14\x00", "binary", "ZIP"),
        ("a.html", b"", "empty", "empty"),
        ("a.html", b"<html><body> <script>app()</script></body></html>", "empty", "no text"),
        ("a.html", b"<p>a\0b", "binary", "NUL"),
        ("a.html.gz", gzip.compress(gzip.compress(b"<p>x")), "binary", "compressed"),
        ("a.txt.gz", gzip.compress(b"Hello" * 1000)[:-9], "truncated_archive", "end is missing"),
        ("a.txt.gz", gzip.compress(b"Hello")[:-8] + b"12345678", "truncated_archive", "damaged"),
        ("a.txt.gz", b"Hello", "truncated_archive", ".gz"),
        ("a.txt.gz", b"", "truncated_archive", ".gz"),
        ("a.txt.zst", b"Hello", "truncated_archive", ".zst"),
        ("a.txt.zst", PACK[".zst"](os.urandom(5000))[:-9], "truncated_archive", "end is missing"),
        ("a.txt.zst", PACK[".zst"](b"Hello")[:6] + b"\xff" * 20, "truncated_archive", "damaged"),
    ],
)
def test_a_bad_file_is_rejected_with_its_reason_and_the_rest_goes_on(
    reader: Reader, name: str, content: bytes, code: str, says: str
) -> None:
    bad = reader.file(name, content)
    reader.file("z.txt", "good")
    assert reader.ids() == ["z.txt"]
    item = reader.only_reject()
    assert (item.code, item.source, item.line, item.step) == (code, str(bad), -1, "segment")
    assert says in item.reason


def test_a_page_that_needs_javascript_says_so(reader: Reader) -> None:
    reader.file("a.html", "<div id=root></div><noscript>Turn it on</noscript><script>app()</script>")
    reader.file("b.html", "<div><img src=x.png></div>")
    assert reader.ids() == []
    with_script, without = reader.rejects
    assert "JavaScript" in with_script.hint
    assert "JavaScript" not in without.hint


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (b"{'text': 1}", "not_json", "column 2"),
        (b'{"text":"x"} {"text":"y"}', "not_json", "column 14"),
        (b'{"text":"cut off', "not_json", "column 9"),
        (b'{"text":"x","score":NaN}', "not_json", "invalid"),
        (b"[" * 100_000, "not_json", "deep"),
        (b'["text"]', "wrong_type", "list"),
        (b'"text"', "wrong_type", "string"),
        (b"null", "wrong_type", "null"),
        (b'{"text":["a","b"]}', "wrong_type", "text is a list"),
        (b'{"html":7}', "wrong_type", "html is a number"),
        (b'{"id":true,"text":"x"}', "wrong_type", "id is a boolean"),
        (b'{"id":{"a":1},"text":"x"}', "wrong_type", "id is an object"),
        (b'{"id":"n","title":"x"}', "no_text", "neither"),
        (b'{"text":null}', "no_text", "neither"),
        (b'{"text":" \\n "}', "empty", "white space"),
        (b'{"html":"<br>"}', "empty", "no text"),
        (b'{"text":"a\\u0000b"}', "nul", "offset 1"),
        (b'{"text":"a\\ud83d"}', "lone_surrogate", "U+D83D"),
        (b'{"text":"a","note":"\\udc00"}', "lone_surrogate", "U+DC00"),
        (b'{"text":"caf\xe9"}', "not_utf8", "byte 12"),
        (b'{"text":"a\xed\xa0\xbd"}', "lone_surrogate", "byte 10"),
        (b'{"text":"a\0"}', "binary", "NUL"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_and_the_rest_goes_on(reader: Reader, line: bytes, code: str, says: str) -> None:
    path = reader.file("a.jsonl", b'{"id":"one","text":"good"}\n\n' + line + b'\n{"id":"two","text":"good"}')
    assert reader.ids() == ["one", "two"]
    item = reader.only_reject()
    assert (item.code, item.source, item.line) == (code, str(path), 3)
    assert says in item.reason
    assert item.record.encode("utf-8", "replace")[:5] == line[:5]
    assert len(item.record) <= 2048


@pytest.mark.parametrize(
    ("record", "hint"),
    [
        ('{"Text":"x"}', "did you mean 'Text'"),
        ('{"id":"a","content":"x"}', "did you mean 'content'"),
        ('{"txet":"x","url":"y"}', "did you mean 'txet'"),
        ('{"id":"a","url":"y","lang":"fi"}', "known: lang, url"),
        ("{}", "known: none"),
    ],
)
def test_a_record_without_text_says_which_key_may_be_meant(reader: Reader, record: str, hint: str) -> None:
    reader.file("a.jsonl", record)
    assert reader.ids() == []
    assert hint in reader.only_reject().hint


def test_the_id_of_a_bad_record_is_told_where_it_has_one(reader: Reader) -> None:
    reader.file("a.jsonl", '{"id":"n","title":"x"}\n{"id":"e","text":""}\n{"id":"h","html":""}\n{"id":3,"text":[]}')
    assert reader.ids() == []
    assert [item.id for item in reader.rejects] == ["n", "e", "h", "3"]


@pytest.mark.parametrize(
    ("content", "code"), [('{"text":"x"}\n'.encode("utf-16"), "not_utf8"), (b"PAR1\x15\x04\n" * 50, "binary")]
)
def test_a_jsonl_file_that_is_none_is_one_reject(reader: Reader, content: bytes, code: str) -> None:
    reader.file("a.jsonl", content)
    assert reader.ids() == []
    assert reader.codes == [code]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_what_a_cut_off_archive_still_gives_is_kept(reader: Reader, suffix: str) -> None:
    lines = b"".join(b'{"id":"%d","text":"%s"}\n' % (n, os.urandom(5000).hex().encode()) for n in range(500))
    reader.file("a.jsonl" + suffix, PACK[suffix](lines)[:1_500_000])
    count = len(reader.read())
    assert 200 < count < 500
    item = reader.only_reject()
    assert item.code == "truncated_archive"
    assert f"after line {count}" in item.reason


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_archives_of_several_parts_are_one_stream(reader: Reader, suffix: str) -> None:
    reader.file("a.txt" + suffix, PACK[suffix](b"one ") + PACK[suffix](b"two ") + PACK[suffix](b"three"))
    assert [d.text for d in reader.read()] == ["one two three"]


def test_a_text_may_begin_like_the_name_of_a_format(reader: Reader) -> None:
    texts = ["PAR1 is a gene", "GIF88 is no format", "BZh stands for nothing", "PK is a code"]
    for number, text in enumerate(texts):
        reader.file(f"{number}.txt", text)
    assert [d.text for d in reader.read()] == texts


def test_what_is_compressed_is_known_by_its_content(reader: Reader) -> None:
    reader.file("saved.html", gzip.compress(b"<p>Hello"))
    assert [d.text for d in reader.read()] == ["Hello\n"]


def test_more_than_the_limit_is_rejected_and_the_rest_goes_on(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LIMIT", 100)
    fits = b'{"id":"fits","text":"%s"}' % (b"x" * 77)
    assert len(fits) == 100
    long = b'{"id":"long","text":"%s"}' % (b"x" * 5000)
    reader.file("a.jsonl", b"\n".join([fits, long, b'{"id":"next","text":"y"}', long]))
    reader.file("b.txt", b"x" * 101)
    reader.file("c.txt", b"x" * 100)
    reader.file("d.txt.gz", gzip.compress(b"x" * 101))
    assert reader.ids() == ["fits", "next", "c.txt"]
    assert [(Path(r.source).name, r.line, r.code) for r in reader.rejects] == [
        ("a.jsonl", 2, "too_long"),
        ("a.jsonl", 4, "too_long"),
        ("b.txt", -1, "too_long"),
        ("d.txt.gz", -1, "too_long"),
    ]


def test_a_folder_or_file_that_vanishes_is_rejected(reader: Reader) -> None:
    reader.file("a.txt", "x")
    file, inside = reader.file("b.txt", "x"), reader.file("c/x.txt", "x")
    reader.file("d.txt", "x")
    documents = read([reader.folder], reader.rejects.append)
    assert next(documents).doc_id == "a.txt"
    file.unlink()
    inside.unlink()
    inside.parent.rmdir()
    assert [document.doc_id for document in documents] == ["d.txt"]
    assert [(item.code, item.source) for item in reader.rejects] == [
        ("unreadable", str(file)),
        ("unreadable", str(inside.parent)),
    ]


def test_the_step_of_a_reject_is_the_callers(reader: Reader) -> None:
    list(read([reader.file("a.txt", "")], reader.rejects.append, step="import"))
    assert reader.only_reject().step == "import"


def test_documents_come_one_at_a_time(reader: Reader) -> None:
    reader.file("a.jsonl", '{"id":"1","text":"x"}\nnonsense\n{"id":"2","text":"x"}\n')
    documents = read([reader.folder], reader.rejects.append)
    assert next(documents).doc_id == "1"
    assert reader.rejects == []
    assert next(documents).doc_id == "2"
    assert reader.codes == ["not_json"]


# --- text ---


def test_other_keys_come_back_as_meta(reader: Reader) -> None:
    reader.file("a.jsonl", '{"id":"a","url":"u","text":"x","n":12345678901234567890123,"meta":{"k":[1,null,{"ü":"é"}]}}')
    (document,) = reader.read()
    assert document.meta == {"url": "u", "n": 12345678901234567890123, "meta": {"k": [1, None, {"ü": "é"}]}}


def test_text_goes_before_html(reader: Reader) -> None:
    reader.file("a.jsonl", '{"text":"T","html":"<p>H"}\n{"text":" ","html":"<p>H"}\n{"text":null,"html":"<p>H"}')
    assert [(d.text, dict(d.meta)) for d in reader.read()] == [("T", {}), ("H\n", {}), ("H\n", {})]


def test_a_mark_at_the_start_of_a_jsonl_file_is_no_part_of_it(reader: Reader) -> None:
    reader.file("a.jsonl", b'\xef\xbb\xbf{"text":"x"}\r\n{"text":"\xef\xbb\xbfy"}\r\n')
    assert [d.text for d in reader.read()] == ["x", "y"]


def test_nothing_but_line_ends_and_the_mark_is_touched(reader: Reader) -> None:
    hard = "e\u0301 é 한글 \u1112\u1161 مرحبا ไทย 👩\u200d👩\u200d👧 <b>&amp;  two\u00a0spaces \u2028 \x0b end"
    reader.file("a.txt", "\ufeff" + hard + "\r\n\rZ")
    (document,) = reader.read()
    assert document.text == hard + "\n\nZ"
    assert document.blocks == ()


PIECES = st.lists(
    st.sampled_from(["\r\n", "\r", "\n", "a", "é", "e\u0301", "👩\u200d👧", "\ufeff", " ", "ไ", "ا"]), max_size=30
)


@given(st.booleans(), PIECES)
def test_offsets_lead_back_to_the_raw_text(tmp_path_factory: pytest.TempPathFactory, mark: bool, pieces: list[str]) -> None:
    raw = "\ufeff" * mark + "x" + "".join(pieces)
    reader = Reader(tmp_path_factory.mktemp("raw"))
    reader.file("a.txt", raw)
    (document,) = reader.read()
    for at, character in enumerate(document.text):
        source = to_source(document.shifts, at, at + 1)
        found = raw[source.start : source.end]
        assert found == character or (character == "\n" and found in ("\r", "\r\n"))
    whole = to_source(document.shifts, 0, len(document.text))
    assert (whole.start, whole.end) == (int(mark), len(raw))


@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.html", "a.jsonl", "a.txt.gz", "a.jsonl.zst"]))
def test_any_bytes_are_read_or_rejected(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    reader = Reader(tmp_path_factory.mktemp("any"))
    reader.file(name, data)
    documents = reader.read()
    blank_jsonl = name == "a.jsonl" and not data.removeprefix(b"\xef\xbb\xbf").strip()
    assert documents or reader.rejects or blank_jsonl
    for document in documents:
        assert "\0" not in document.text
        assert "\r" not in document.text
        document.text.encode()


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.sampled_from([".gz", ".zst"]), st.integers(1, 70))
def test_decompression_gives_back_what_was_packed(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], suffix: str, size: int
) -> None:
    path = tmp_path_factory.mktemp("packed") / f"x{suffix}"
    path.write_bytes(b"".join(map(PACK[suffix], [b"", *parts])))
    with opening.opened(path) as stream:
        read_back = b"".join(iter(lambda: stream.read(size), b""))
    assert read_back == b"".join(parts)
