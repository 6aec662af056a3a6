from __future__ import annotations

import pytest

from annotate.detectors import varieties


def best(text: str, group: tuple[str, ...]) -> str:
    found = varieties.cues(text)
    return max(group, key=lambda tag: found.get(tag, 0.0) + varieties.PRIOR.get(tag, 0.0))


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Tko želi vidjeti što se događa u Europi ovaj tjedan? Sveučilište nudi vlak.", "hr"),
        ("Ko želi da vidi šta se dešava u Evropi posle sledeće nedelje? Univerzitet nudi voz.", "sr"),
        ("Ko želi vidjeti šta se dešava u Evropi poslije sljedeće sedmice? Hiljadu ljudi čita historiju.", "bs"),
        ("Perusahaan itu mengatakan bahwa kantornya di kota bisa dibuka karena kualitas layanan.", "id"),
        ("Syarikat itu berkata bahawa pejabatnya di bandar boleh dibuka kerana kualiti perkhidmatan.", "ms"),
    ],
)
def test_tell_tale_words(text, lang):
    (group,) = [group for group in varieties.GROUPS if lang in group]
    assert best(text, group) == lang
    assert best(text.upper(), group) == lang


def test_a_text_without_tell_tale_words_says_nothing():
    assert varieties.cues("Hello world 123") == {}


def test_words_match_whole_words_only():
    assert "hr" not in varieties.cues("netkonet štono")


def test_every_listed_language_is_in_a_group():
    members = {tag for group in varieties.GROUPS for tag in group}
    listed = {tag for languages in varieties._patterns() for tag in languages}
    assert listed == members
