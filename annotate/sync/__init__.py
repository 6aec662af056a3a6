"""Corpus ↔ Label Studio. The server is the truth; the journal of the workspace only makes it quick to know.

wanted     what a file of segments asks for           sharing    which annotator gets which segment
mirror     the journal, brought in step               deciding   what a push will do: pure
projects   found by their marker, made, kept          predicting what models say
    pushing · pulling · standing   the three verbs
"""

from annotate.sync.deciding import Plan, decide
from annotate.sync.predicting import Guesses, PredictedSpan, Prediction, checked
from annotate.sync.projects import Marker, find_project, has_schema, language_of, project_title, project_url, read_marker
from annotate.sync.pulling import Pulled, pull
from annotate.sync.pushing import ProjectPush, PushReport, Retirement, alone, push
from annotate.sync.sharing import share
from annotate.sync.standing import STATES, ProjectStatus, status
from annotate.sync.wanted import Selection, Wanted, WantedTask, asked, cut, narrowed, select, wanted_tasks

__all__ = [
    "STATES",
    "Guesses",
    "Marker",
    "Plan",
    "PredictedSpan",
    "Prediction",
    "ProjectPush",
    "ProjectStatus",
    "Pulled",
    "PushReport",
    "Retirement",
    "Selection",
    "Wanted",
    "WantedTask",
    "alone",
    "asked",
    "checked",
    "cut",
    "decide",
    "find_project",
    "has_schema",
    "language_of",
    "narrowed",
    "project_title",
    "project_url",
    "pull",
    "push",
    "read_marker",
    "select",
    "share",
    "status",
    "wanted_tasks",
]
