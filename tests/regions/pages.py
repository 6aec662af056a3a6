"""Made-up pages: lines with the region each plays."""

from __future__ import annotations

from itertools import accumulate

from annotate.model import Block

Page = list[tuple[str, str]]

ENGLISH: Page = [
    ("navigation", "Home"),
    ("navigation", "News"),
    ("navigation", "Sports"),
    ("navigation", "Log in"),
    ("title", "Harbour town reopens its old lighthouse"),
    ("byline", "By Martha Quill, 14 May 2021"),
    (
        "body",
        (
            "The lighthouse above the harbour was opened to visitors on Saturday, eleven years after its lamp went out. "
            "Some three hundred people climbed the narrow stairs, and most of them came down again with wet shoes."
        ),
    ),
    (
        "body",
        (
            "The council paid for the new roof, while fishermen repaired the railings in their spare time. A museum of "
            "knots and ropes is planned for the ground floor, though nobody has yet agreed who shall keep the keys."
        ),
    ),
    ("related", "Related articles"),
    ("related", "Ferry timetable changes in June"),
    ("related", "Seagull steals chain of office"),
    ("cookie_notice", "We use cookies and similar technologies to personalise content and to analyse our traffic."),
    ("cookie_notice", "Accept all"),
    ("cookie_notice", "Manage preferences"),
    ("footer", "© 2021 Harbour Gazette. All rights reserved."),
]

GERMAN: Page = [
    ("navigation", "Startseite"),
    ("navigation", "Politik"),
    ("navigation", "Sport"),
    ("navigation", "Anmelden"),
    ("title", "Bergdorf eröffnet seine alte Seilbahn wieder"),
    ("byline", "Von Ilse Kornblum, 3. Oktober 2020"),
    (
        "body",
        (
            "Die Seilbahn über dem Dorf fährt seit Sonntag wieder, neun Jahre nachdem das Seil gerissen war. Rund zweihundert "
            "Gäste standen am Morgen vor der Kasse, und die Bäckerin verkaufte in einer Stunde alle ihre Brezeln."
        ),
    ),
    (
        "body",
        (
            "Den neuen Motor bezahlte die Gemeinde, die Kabinen strichen die Kinder der Schule in ihren Ferien. Im nächsten "
            "Sommer soll oben ein kleines Gasthaus öffnen, sofern sich bis dahin jemand findet, der kochen kann."
        ),
    ),
    ("related", "Das könnte Sie auch interessieren"),
    ("related", "Neuer Fahrplan für den Postbus"),
    ("related", "Kuh verirrt sich in die Kirche"),
    ("cookie_notice", "Wir verwenden Cookies und ähnliche Technologien, um Inhalte zu personalisieren und Zugriffe zu messen."),
    ("cookie_notice", "Alle akzeptieren"),
    ("cookie_notice", "Nur notwendige Cookies"),
    ("footer", "© 2020 Talbote. Alle Rechte vorbehalten."),
]

RUSSIAN: Page = [
    ("navigation", "Главная"),
    ("navigation", "Политика"),
    ("navigation", "Спорт"),
    ("navigation", "Войти"),
    ("title", "В посёлке снова открыли старую мельницу"),
    ("byline", "Автор: Вера Лапина, 7 июня 2019"),
    (
        "body",
        (
            "Мельница на берегу реки снова работает: её колесо стояло двенадцать лет, пока жители копили на новые доски. "
            "На открытие пришли почти все соседи, и каждому досталось по маленькому тёплому хлебу."
        ),
    ),
    (
        "body",
        (
            "Крышу починили плотники из соседней деревни, а ступени выложил учитель истории со своими учениками. Осенью здесь "
            "хотят показывать гостям, как мололи зерно сто лет назад, если река к тому времени не обмелеет."
        ),
    ),
    ("related", "Читайте также"),
    ("related", "Автобус изменит маршрут с июля"),
    ("related", "Коза попала на школьный концерт"),
    ("cookie_notice", "Мы используем файлы cookie, чтобы сделать сайт удобнее и анализировать его посещаемость."),
    ("cookie_notice", "Принять все"),
    ("cookie_notice", "Отклонить"),
    ("footer", "© 2019 Речной вестник. Все права защищены."),
]

ALL = {"English": ENGLISH, "German": GERMAN, "Russian": RUSSIAN}


def text_of(page: Page) -> str:
    return "".join(f"{line}\n" for _, line in page)


def blocks_of(text: str) -> tuple[Block, ...]:
    """One block for each line."""
    ends = list(accumulate(len(line) for line in text.splitlines(keepends=True)))
    return tuple(Block(start, end) for start, end in zip([0, *ends], ends, strict=False))
