"""An annotator at work: Label Studio's page in a real Chromium, by mouse and keyboard."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Browser, Locator

PATIENCE = 60_000
"""Milliseconds; for a machine with much else to do."""

_TEXT = ".lsf-htx-richtext"

# What the page draws, one entry a UTF-16 unit, as a browser counts: the node, the place in it, the character.
_CHARACTERS = r"""
const characters = root => {
  const found = [];
  const walk = node => {
    if (node.nodeType === Node.TEXT_NODE) for (let i = 0; i < node.data.length; i++) found.push([node, i, node.data[i]]);
    else if (node.nodeName === 'BR') found.push([node, 0, '\n']);
    else node.childNodes.forEach(walk);
  };
  walk(root);
  return found;
};
const box = ([node, from], [, to], last) => {
  const range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, to + 1);
  return [...range.getClientRects()].filter(one => one.width > 0).at(last ? -1 : 0);
};
"""

_SHOWN = f"root => {{ {_CHARACTERS} return characters(root).map(one => one[2]).join(''); }}"

# Where a hand puts the mouse: inside the first grapheme and inside the last, on the side where reading begins and ends.
_ENDS = (
    r"(root, [target, nth]) => {"
    + _CHARACTERS
    + r"""
  const all = characters(root), text = all.map(one => one[2]).join('');
  let start = -1;
  for (let i = 0; i <= nth; i++) start = text.indexOf(target, start + 1);
  const graphemes = [...new Intl.Segmenter().segment(target)];
  const side = ({index, segment}, last) => {
    const at = start + index, drawn = box(all[at], all[at + segment.length - 1], last);
    const inset = Math.min(1, drawn.width / 4);
    const leftwards = /[\p{Script=Arabic}\p{Script=Hebrew}]/u.test(segment);
    return [leftwards === last ? drawn.left + inset : drawn.right - inset, drawn.top + drawn.height / 2];
  };
  all[start][0].parentElement.scrollIntoView({block: 'center'});
  return [side(graphemes.at(0), false), side(graphemes.at(-1), true)];
}"""
)

_HIGHLIGHTS = f"""root => {{
  {_CHARACTERS}
  const drawn = [];
  let before = null;
  characters(root).forEach(([node, , character], at) => {{
    const mark = node.parentElement.closest('.htx-highlight');
    if (!mark) return;
    if (before && before.at === at - 1) drawn.at(-1)[1] += character;
    else drawn.push([at, character]);
    before = {{at}};
  }});
  return drawn;
}}"""

# Of the first line that has words: how far its first and its last character are from the left and the right of the text.
_EDGES = f"""root => {{
  {_CHARACTERS}
  const all = characters(root);
  const first = all.findIndex(one => one[2].trim());
  let last = all.findIndex((one, at) => at > first && one[2] === '\\n');
  last = last < 0 ? all.length - 1 : last - 1;
  while (!all[last][2].trim()) last--;
  const outer = root.getBoundingClientRect(), a = box(all[first], all[first]), z = box(all[last], all[last], true);
  return [a.left - outer.left, outer.right - a.right, z.left - outer.left, outer.right - z.right];
}}"""


@dataclass(frozen=True)
class Edges:
    """Pixels between the ends of a text's first line and the edges of the column."""

    first_left: float
    first_right: float
    last_left: float
    last_right: float

    @property
    def direction(self) -> str:
        """`rtl` when the line begins at the right edge and ends to the left of there, `ltr` the other way round."""
        if self.first_right < 20 and self.last_left < self.first_left:
            return "rtl"
        return "ltr" if self.first_left < 20 and self.last_right < self.first_right else "neither"


class Annotator:
    """A browser window in which somebody has logged in."""

    def __init__(self, browser: Browser, url: str, email: str, password: str) -> None:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=url, locale="en-GB")
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        self.page.goto("/user/login/")
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/")

    @property
    def text(self) -> Locator:
        """The text of the task."""
        return self.page.locator(_TEXT)

    @property
    def origin(self) -> Locator:
        """Where the text comes from."""
        return self.page.locator(".origin")

    @property
    def context(self) -> Locator:
        """The page before the text, and after it."""
        return self.page.locator(".context")

    def label(self, name: str) -> Locator:
        """A label above the text."""
        return self.page.locator(".lsf-label").filter(has_text=name)

    def topic(self, name: str) -> Locator:
        """A topic below the text."""
        return self.page.locator(".lsf-choice__item label").filter(has_text=name)

    def start_labeling(self, project: int) -> None:
        """What "Label All Tasks" does: one task after another."""
        self.page.goto(f"/projects/{project}/data?labeling=1")
        self.text.wait_for()

    def close_instructions(self) -> str:
        """Read the guidelines, which open first, and close them; their markup."""
        dialog = self.page.get_by_text("Labeling Instructions").locator("xpath=ancestor::*[.//button][2]/..")
        markup = dialog.inner_html()
        self.page.get_by_role("button", name="Close modal").click()
        return markup

    def shown(self) -> str:
        """The text as it is drawn."""
        return str(self.text.evaluate(_SHOWN))

    def highlights(self) -> list[tuple[int, str]]:
        """The stretches with a colour: where each begins (UTF-16 units), and what it holds."""
        return [(at, text) for at, text in self.text.evaluate(_HIGHLIGHTS)]

    def edges(self) -> Edges:
        """Where the first line of the text begins and ends."""
        return Edges(*self.text.evaluate(_EDGES))

    def pick(self, label: str) -> None:
        """Click a label."""
        self.label(label).click()

    def choose(self, topic: str) -> None:
        """Click a topic."""
        self.topic(topic).click()

    def hint(self, name: str) -> str:
        """What appears when the mouse rests on a label or a topic."""
        self.label(name).or_(self.topic(name)).hover()
        hint = self.page.get_by_test_id("tooltip-body")
        hint.wait_for()
        text = hint.inner_text()
        self.page.mouse.move(640, 800)
        hint.wait_for(state="detached")
        return text

    def in_sight(self, label: str) -> bool:
        """Whether a label can be clicked without scrolling."""
        box = self.label(label).bounding_box()
        return bool(box and 0 <= box["y"] <= 900 - box["height"])

    def drag_over(self, target: str, nth: int = 0, *, within: Locator | None = None) -> None:
        """Select the nth occurrence of a stretch with the mouse, from its first character to its last."""
        (x1, y1), (x2, y2) = (within or self.text).evaluate(_ENDS, [target, nth])
        mouse = self.page.mouse
        mouse.move(x1, y1)
        mouse.down()
        mouse.move((x1 + x2) / 2, (y1 + y2) / 2, steps=3)
        mouse.move(x2, y2, steps=3)
        mouse.up()

    def submit(self) -> None:
        """Submit the task."""
        with self.page.expect_response(lambda answer: answer.request.method == "POST" and "/annotations?" in answer.url):
            self.page.get_by_role("button", name="Submit current annotation").click()

    def next_text(self, before: str) -> str:
        """The text of the next task, as soon as it is there with what a model says about it."""
        changed = f"before => {{ const root = document.querySelector('{_TEXT}'); return root && ({_SHOWN})(root) !== before; }}"
        self.page.wait_for_function(changed, arg=before)
        self.text.locator(".htx-highlight").first.wait_for()
        return self.shown()

    def tabs(self, project: int) -> list[str]:
        """The tabs of the project's Data Manager."""
        self.page.goto(f"/projects/{project}/data")
        tabs = self.page.locator(".lsf-tabs-dm__item")
        tabs.first.wait_for()
        return tabs.all_inner_texts()
