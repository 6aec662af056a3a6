"""Texts in which offsets go wrong: in each, one stretch to select with the mouse and one that a model has predicted."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class HardText:
    """`selected` and `predicted` occur in the text; where the first occurrence is not meant, `nth` counts from 0."""

    kind: str
    text: str
    selected: str
    predicted: str
    lang: str = "en"
    nth: int = 0

    @property
    def selected_at(self) -> tuple[int, int]:
        """Code points."""
        start = -1
        for _ in range(self.nth + 1):
            start = self.text.index(self.selected, start + 1)
        return start, start + len(self.selected)

    @property
    def predicted_at(self) -> tuple[int, int]:
        """Code points."""
        start = self.text.index(self.predicted)
        return start, start + len(self.predicted)


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


FAMILY = "👨\u200d👩\u200d👧\u200d👦"

HARD_TEXTS = (
    HardText("ASCII", "Mira repairs clocks at Brightwater in Leeds.", "Brightwater", "Mira"),
    HardText("emoji before", "So good 😀🎻 that Olga plays in Porto.", "Porto", "Olga"),
    HardText("emoji inside", "Tickets at Bar 🎷 Luna from Ivo.", "Bar 🎷 Luna", "Ivo"),
    HardText("ZWJ family", f"The {FAMILY} of Sanna moved to Kemi.", "Kemi", "Sanna"),
    HardText("ZWJ family inside", f"Club {FAMILY} Kemi opens, says Tuomo.", f"Club {FAMILY} Kemi", "Tuomo"),
    HardText("flags, skin tone", "🇫🇮🇸🇪 👍🏽 Lumo beat Ravn 🇩🇰 twice.", "Ravn 🇩🇰", "Lumo"),
    HardText("composed (NFC)", "Hän söi mämmiä Ähtärissä Järvisen kanssa.", "Järvisen", "Ähtärissä", "fi"),
    HardText("decomposed (NFD)", nfd("Hän söi mämmiä Ähtärissä Järvisen kanssa."), nfd("Järvisen"), nfd("Ähtärissä"), "fi"),
    HardText(
        "stacked combining marks",
        "Z\u0351\u0343lgo wrote to Vie\u0302\u0323t.",
        "Vie\u0302\u0323t",
        "Z\u0351\u0343lgo",
    ),
    HardText("Hangul", "한별전자는 부산에서 새 공장을 열었다.", "부산", "한별전자", "ko"),
    HardText("Hangul, decomposed", nfd("한별전자는 부산에서 새 공장을 열었다."), nfd("부산"), nfd("한별전자"), "ko"),
    HardText("Japanese", "山田花子は昨日、大阪の「青空書店」で働いた。", "青空書店", "山田花子", "ja"),
    HardText("Chinese beyond the BMP", "𠮷野先生在广州教书。", "广州", "𠮷野", "zh"),
    HardText("Thai", "น้ำทิพย์ทำงานที่ร้านดอกไม้ในเชียงราย", "เชียงราย", "น้ำทิพย์", "th"),
    HardText("Devanagari", "क्षितिज ने दिल्ली में किताब बेची।", "दिल्ली", "क्षितिज", "hi"),
    HardText("Arabic", "تعمل ليلى في مكتبة النور في عمّان.", "عمّان", "ليلى", "ar"),
    HardText("Hebrew with points", "דָּנָה גרה בחיפה ליד הים.", "חיפה", "דָּנָה", "he"),
    HardText("Arabic in Latin", "The paper النهار interviewed Rana in Tyre.", "النهار", "Rana"),
    HardText("Latin in Arabic", "أطلقت شركة Nordlys تطبيقا في بيروت.", "Nordlys", "بيروت", "ar"),
    HardText("Latin and Hebrew in one span", "We met at Café שלום Noa in Jaffa.", "Café שלום Noa", "Jaffa"),
    HardText("double spaces, tab", "Two  spaces   and\ta tab: Orion  Oy and  Nadia.", "Orion  Oy", "Nadia"),
    HardText("no-break space, soft hyphen", "For 10\u00a0000 euros\u00a0Bolt sold Wal\u00adnut to Ida.", "Wal\u00adnut", "Ida"),
    HardText("spaces at the edges", "   Quill opened late in Ghent.   ", "Quill", "Ghent"),
    HardText("line breaks", "one line\nanother line by Petra\nthe last line from Graz\n", "Graz", "Petra"),
    HardText("paragraphs", "\n\nFirst, a word from Anouk.\n\nSecond, Lille.\n\n\nThird, Ghislain.\n\n", "Lille", "Ghislain"),
    HardText("across paragraphs", "It was signed Elin\n\nNorberg and sent to Falun.", "Elin\n\nNorberg", "Falun"),
    HardText("markup", "<p>A <b>bold &amp; brave</b> Tomas & <i>Kiruna</i> &lt;3</p>", "Kiruna", "Tomas"),
    HardText("markup inside", 'See <a href="#">Vera &amp; Sons</a> or Emil\'s "\\n".', "Vera &amp; Sons</a>", "Emil"),
    HardText("template and path", "{{name}} $text ${lang} %s \\n C:\\new\\Tove in Bergen", "Bergen", "Tove"),
    HardText("long line", "word 🎈 " * 400 + "Anselm came to Ulm " + "word " * 200, "Ulm", "Anselm"),
    HardText("second occurrence", "Oslo is not Oslo, says Signe.", "Oslo", "Signe", nth=1),
    HardText("within a page", "The mill at Ashby reopens, says Wren.", "Ashby", "Wren"),
    HardText("part of a word", "The Brightwaterish clocks of Miras.", "Brightwater", "Mira"),
)

PAGE = ("Home · <i>Sport</i> &amp; more\n\n", "The mill at Ashby reopens, says Wren.", "About us 😀 Contact in Ashby")
"""A page whose middle is one of the texts; what stands around it is shown to be read only."""
