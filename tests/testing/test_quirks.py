"""What Label Studio does and nobody would guess: the same on the fake and on the real server, or the fake lies."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from annotate.errors import LabelStudioError
from annotate.labelstudio.client import Client
from annotate.labelstudio.people import add_user, token_of
from tests.builders import HARD_TEXTS
from tests.conftest import Live

CONFIG = """<View>
  <Labels name="entities" toName="text"><Label value="Person" alias="PER"/><Label value="Firm &amp; co" alias="ORG"/></Labels>
  <Text name="text" value="$text"/>
  <Choices name="genre" toName="text" choice="single"><Choice value="Report" alias="report"/></Choices>
</View>"""


def span(label: str = "PER", start: object = 0, end: object = 2, name: str = "entities") -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]}
    return {"from_name": name, "to_name": "text", "type": "labels", "value": {k: v for k, v in value.items() if v is not None}}


class Browser:
    """Plain requests as one user."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Token {token}"}, timeout=60)

    def get(self, path: str, **params: Any) -> Any:
        return self.http.get(path, params=params)

    def post(self, path: str, body: object) -> httpx.Response:
        return self.http.post(path, json=body)

    def project(self, title: str = "quirks") -> int:
        return int(self.post("/api/projects/", {"title": title, "label_config": CONFIG}).json()["id"])

    def tasks(self, project: int, *tasks: object) -> list[int]:
        answer = self.post(f"/api/projects/{project}/import?return_task_ids=true", list(tasks))
        assert answer.status_code == 201, answer.text
        return [int(number) for number in answer.json()["task_ids"]]

    def count(self, project: int) -> int:
        return int(self.get("/api/tasks/", project=project, include="id").json()["total"])

    def found(self, project: int, key: str, operator: str, value: object, kind: str = "String") -> list[int]:
        item = {"filter": f"filter:tasks:{key}", "operator": operator, "type": kind, "value": value}
        query = json.dumps({"filters": {"conjunction": "and", "items": [item]}})
        return [task["id"] for task in self.get("/api/tasks/", project=project, include="id", query=query).json()["tasks"]]


@pytest.fixture
def admin(server: Live) -> Iterator[Browser]:
    browser = Browser(server.url, server.login.token)
    yield browser
    browser.http.close()


@pytest.fixture
def project(admin: Browser) -> Iterator[int]:
    number = admin.project()
    yield number
    admin.http.delete(f"/api/projects/{number}/")


def reasons(answer: httpx.Response) -> str:
    """What stands in the frame that all errors have."""
    body = answer.json()
    assert body["status_code"] == answer.status_code
    assert {"id", "version", "detail", "exc_info"} <= body.keys()
    return json.dumps(body.get("validation_errors") or body["detail"])


def test_nothing_is_recognised_as_a_duplicate(admin: Browser, project: int) -> None:
    for _ in range(3):
        admin.tasks(project, {"data": {"text": "same", "segment_id": "1"}})
    assert admin.count(project) == 3


def test_texts_come_back_as_they_were(admin: Browser, project: int) -> None:
    numbers = admin.tasks(project, *({"data": {"text": text}} for text in HARD_TEXTS))
    back = {task["id"]: task["data"]["text"] for task in admin.get("/api/tasks/", project=project).json()["tasks"]}
    assert [back[number] for number in numbers] == list(HARD_TEXTS)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p>one<br />two</p>\n<hr />", "<p>one<br>two</p>\n<hr>"),
        ('<img src="a.png" alt="&quot;a&quot; &amp; \'b\'" />', '<img src="a.png" alt="&quot;a&quot; &amp; \'b\'">'),
        ('<ol start="3" dir="auto"><li>three</li></ol>', '<ol dir="auto"><li>three</li></ol>'),
        ('<a href="ftp://127.0.0.1/a" title="t">a</a>', '<a title="t">a</a>'),
        ('<a href="https://127.0.0.1/?a=1&amp;b=2">a</a>', '<a href="https://127.0.0.1/?a=1&amp;b=2">a</a>'),
        ('<a href="#a">a</a><a href="mailto:a@example.com">b</a>', '<a href="#a">a</a><a href="mailto:a@example.com">b</a>'),
        ('<img src="data:image/png;base64,AAAA" alt="">', '<img alt="">'),
        (
            "<marquee>a</marquee> &amp;lt; &copy; &quot; \" ' é 한\u2003⛵",
            "&lt;marquee&gt;a&lt;/marquee&gt; &amp;lt; &copy; &quot; \" ' é 한\u2003⛵",
        ),
        ('<pre><code class="language-x">a &lt; b\n</code></pre>', '<pre><code class="language-x">a &lt; b\n</code></pre>'),
        ('<p style="color: red">red</p>', "<p>red</p>"),
    ],
)
def test_instructions_are_cleaned(admin: Browser, project: int, given: str, kept: str) -> None:
    answer = admin.http.patch(f"/api/projects/{project}/", json={"expert_instruction": given})
    assert answer.json()["expert_instruction"] == kept
    assert admin.get(f"/api/projects/{project}/").json()["expert_instruction"] == kept
    made = admin.post("/api/projects/", {"title": "cleaned", "expert_instruction": given}).json()
    assert made["expert_instruction"] == kept
    admin.http.delete(f"/api/projects/{made['id']}/")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"data": {"body": "secret"}}, "key is expected in task data"),
        ({"data": {"text": None}}, "NoneType"),
        ("words", "Task root must be dict"),
        ({"data": {"text": "a"}, "annotations": [{}]}, "Annotation must have"),
        ({"data": {"text": "a"}, "annotations": [{"result": [], "completed_by": 987654}]}, "completed_by=987654"),
    ],
)
def test_one_bad_task_refuses_the_batch(admin: Browser, project: int, bad: object, reason: str) -> None:
    answer = admin.post(f"/api/projects/{project}/import", [{"data": {"text": "good"}}, bad])
    assert answer.status_code == 400
    assert reason in reasons(answer)
    assert admin.count(project) == 0


def test_an_empty_batch_is_refused_and_white_space_is_a_text(admin: Browser, project: int) -> None:
    assert "No tasks added" in reasons(admin.post(f"/api/projects/{project}/import", []))
    assert len(admin.tasks(project, {"data": {"text": "  "}}, {"text": "flat"}, {"data": {"text": 5}})) == 3
    assert "task_ids" not in admin.post(f"/api/projects/{project}/import", [{"text": "x"}]).json()


def test_a_project_that_is_not_there(admin: Browser) -> None:
    assert reasons(admin.get("/api/projects/987654/")) == '"No Project matches the given query."'
    assert reasons(admin.get("/api/tasks/", project=987654)) == '"No Project matches the given query."'
    assert "<html" in admin.post("/api/projects/987654/import", [{"text": "x"}]).text
    assert reasons(admin.get("/api/tasks/987654/")) == '"No Task matches the given query."'


@pytest.mark.parametrize("path", ["/api/nope/", "/api/projects/1/members/", "/api/projects/1/stats/iaa"])
def test_what_only_the_enterprise_edition_has_is_a_web_page(admin: Browser, path: str) -> None:
    answer = admin.get(path)
    assert answer.status_code == 404
    assert "<html" in answer.text


@pytest.mark.parametrize("title", ["ab", "x" * 51])
def test_titles_have_three_to_fifty_characters(admin: Browser, title: str) -> None:
    assert "Ensure this field has" in reasons(admin.post("/api/projects/", {"title": title}))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("<View>", "no element found"),
        (
            '<View><Text name="t" value="$t"/><Choices name="c" toName="x"><Choice value="a"/></Choices></View>',
            "not found in names",
        ),
        ('<View><Text name="t" value="$t"/><Labels name="l" toName="t"/></View>', "is a required property"),
        ('<View><Text name="t" value="$t"/><Labels name="t" toName="t"><Label value="a"/></Labels></View>', "non-unique names"),
    ],
)
def test_configs_that_are_refused(admin: Browser, config: str, reason: str) -> None:
    assert reason in reasons(admin.post("/api/projects/", {"title": "config", "label_config": config}))


def test_configs_that_should_be_refused_and_are_not(admin: Browser) -> None:
    odd = '<View><Text name="t" value="t"/><Lables name="l" toName="t"/><Choices name="c d" toName="t">'
    odd += '<Choice value="a"/><Choice value="a"/><Choice value="A"/></Choices></View>'
    answer = admin.post("/api/projects/", {"title": "odd config", "label_config": odd})
    assert answer.status_code == 201
    admin.http.delete(f"/api/projects/{answer.json()['id']}/")


def test_an_update_takes_away_a_label_in_use_and_only_validation_says_so(admin: Browser, project: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab cd"}})
    admin.post(f"/api/tasks/{task}/annotations/", {"result": [span("PER"), span("PER", 3, 5)]})
    admin.post(f"/api/tasks/{task}/drafts", {"result": [span("PER")], "lead_time": 1, "project": project})
    without = {"label_config": CONFIG.replace('alias="PER"', 'alias="HUMAN"')}
    renamed = {"label_config": CONFIG.replace('value="Person"', 'value="Henkilö"')}
    no_control = {"label_config": CONFIG.replace("entities", "names")}
    validate, own = f"/api/projects/{project}/validate/", f"/api/projects/{project}/"
    assert "PER (1 annotation, 1 draft)" in reasons(admin.post(validate, without))
    assert "2 with from_name=entities" in reasons(admin.post(validate, no_control))
    assert admin.post(validate, renamed).status_code == 200
    assert "from_name=entities" in reasons(admin.http.patch(own, json=no_control))
    assert admin.http.patch(own, json=without).status_code == 200
    (kept,) = admin.get(f"/api/tasks/{task}/annotations/").json()
    assert kept["result"][0]["value"]["labels"] == ["PER"]


def test_imported_annotations_are_truth_and_unknown_to_validation(admin: Browser, project: int) -> None:
    given = {"data": {"text": "ab cd"}, "annotations": [{"id": 77, "result": [span("ORG")], "lead_time": 3}]}
    quiet = {"data": {"text": "ab cd"}, "annotations": [{"result": [span()], "ground_truth": False, "was_cancelled": True}]}
    first, second = admin.tasks(project, given, quiet)
    exported = admin.get(f"/api/projects/{project}/export", exportType="JSON").json()
    answers = {task["id"]: task["annotations"][0] for task in exported}
    assert (answers[first]["ground_truth"], answers[first]["import_id"], answers[first]["result_count"]) == (True, 77, 0)
    assert (answers[second]["ground_truth"], answers[second]["was_cancelled"]) == (False, True)
    without = {"label_config": CONFIG.replace('alias="ORG"', 'alias="FIRM"')}
    assert admin.post(f"/api/projects/{project}/validate/", without).status_code == 200


def test_nobody_looks_at_what_an_annotation_says(admin: Browser, project: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab"}})
    path = f"/api/tasks/{task}/annotations/"
    for result in ([span("NO SUCH", 7, 3)], [{"a": 1}], []):
        made = admin.post(path, {"result": result})
        assert (made.status_code, made.json()["result"]) == (201, result)
    assert admin.post(path, {}).json()["result"] is None
    assert admin.post(path, {"result": "words"}).status_code == 500


def test_the_only_key_that_repeats_cannot_pass(admin: Browser, project: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab"}})
    body = {"result": [], "unique_id": str(uuid.uuid4())}
    assert admin.post(f"/api/tasks/{task}/annotations/", body).status_code == 201
    again = admin.post(f"/api/tasks/{task}/annotations/", body)
    assert again.status_code == 409
    assert "unique id already exists" in reasons(again)


def test_a_task_has_one_ground_truth(admin: Browser, project: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab"}})
    path = f"/api/tasks/{task}/annotations/"
    first, second = (admin.post(path, {"result": [], "ground_truth": truth}).json()["id"] for truth in (True, False))
    admin.http.patch(f"/api/annotations/{second}/", json={"ground_truth": True})
    assert {item["id"]: item["ground_truth"] for item in admin.get(path).json()} == {first: False, second: True}


@pytest.mark.parametrize(
    ("result", "created"),
    [
        ([span()], 1),
        ([], 1),
        ([span(start=0, end=999)], 1),
        ([span(start=5, end=1)], 1),
        ([span("Person")], 0),
        ([span("NO SUCH")], 0),
        ([span(end=None)], 0),
        ([span(name="names")], 0),
        ([span(), span("NO SUCH")], 0),
        ([{"from_name": "genre", "to_name": "text", "type": "choices", "value": {"choices": ["report"]}}], 1),
        ([{"from_name": "genre", "to_name": "text", "type": "choices", "value": {"choices": ["Report"]}}], 0),
    ],
)
def test_bad_predictions_are_dropped_without_a_word(admin: Browser, project: int, result: object, created: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab"}})
    body = [{"task": task, "model_version": "m", "score": 0.5, "result": result}]
    answer = admin.post(f"/api/projects/{project}/import/predictions", body)
    assert (answer.status_code, answer.json()) == (201, {"created": created})
    assert len(admin.get("/api/predictions/", task=task).json()) == created


def test_a_prediction_for_a_task_that_is_not_there(admin: Browser, project: int) -> None:
    answer = admin.post(f"/api/projects/{project}/import/predictions", [{"task": 987654, "result": []}])
    assert 'invalid \\"task\\" field' in reasons(answer)


def test_predictions_add_up(admin: Browser, project: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab"}, "predictions": [{"result": [{"a": 1}], "model_version": "m"}]})
    body = [{"task": task, "model_version": "m", "result": [span()]}]
    for _ in range(2):
        admin.post(f"/api/projects/{project}/import/predictions", body)
    assert admin.get(f"/api/tasks/{task}/").json()["total_predictions"] == 3


def test_an_update_replaces_all_data_and_needs_no_key(admin: Browser, project: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab", "segment_id": "1"}, "meta": {"a": 1}})
    admin.post(f"/api/tasks/{task}/annotations/", {"result": [span()]})
    changed = admin.http.patch(f"/api/tasks/{task}/", json={"data": {"nope": 1}}).json()
    assert (changed["data"], changed["meta"], len(changed["annotations"])) == ({"nope": 1}, {"a": 1}, 1)
    assert "may not be null" in reasons(admin.http.patch(f"/api/tasks/{task}/", json={"data": None}))


def test_a_list_shows_drafts_to_their_owner_only(server: Live, admin: Browser, project: int) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    login = {"admin_email": server.login.email, "admin_password": server.login.password}
    add_user(server.url, **login, email=email, password="Someone-1234")
    other = Browser(server.url, token_of(server.url, email, "Someone-1234"))
    (task,) = admin.tasks(project, {"data": {"text": "ab"}})
    draft = other.post(f"/api/tasks/{task}/drafts", {"result": [span()], "lead_time": 1, "project": project}).json()
    shown = {"project": project, "fields": "all", "include": "drafts,draft_exists,total_annotations"}
    assert admin.get("/api/tasks/", **shown).json()["tasks"] == [{"drafts": [], "draft_exists": True, "total_annotations": 0}]
    assert other.get("/api/tasks/", **shown).json()["tasks"][0]["drafts"][0]["user"] == email
    assert [item["user"] for item in admin.get(f"/api/tasks/{task}/drafts").json()] == [email]
    # A submission that does not name the draft leaves it; one that does takes it away.
    other.post(f"/api/tasks/{task}/annotations/", {"result": []})
    assert len(admin.get(f"/api/tasks/{task}/drafts").json()) == 1
    other.post(f"/api/tasks/{task}/annotations/", {"result": [], "draft_id": draft["id"]})
    assert admin.get(f"/api/tasks/{task}/drafts").json() == []
    other.http.close()


def test_states_are_counted_apart(admin: Browser, project: int) -> None:
    for column in ("annotations_ids", "predictions_model_versions"):
        assert admin.found(project, column, "empty", "false", "List") == []
    skipped, done, never = admin.tasks(project, *({"data": {"text": name}} for name in ("skipped", "done", "never")))
    admin.post(f"/api/tasks/{skipped}/annotations/", {"result": [], "was_cancelled": True})
    admin.post(f"/api/tasks/{done}/annotations/", {"result": [span()]})
    fields = "id,total_annotations,cancelled_annotations,is_labeled"
    tasks = admin.get("/api/tasks/", project=project, fields="all", include=fields).json()["tasks"]
    counted = {t["id"]: (t["total_annotations"], t["cancelled_annotations"], t["is_labeled"]) for t in tasks}
    assert counted == {skipped: (0, 1, False), done: (1, 0, True), never: (0, 0, False)}
    names = ("task_number", "total_annotations_number", "skipped_annotations_number")
    (whole,) = admin.get("/api/projects/", ids=project, include=",".join(("id", *names))).json()["results"]
    assert [whole[name] for name in names] == [3, 1, 1]
    assert admin.found(project, "annotations_ids", "empty", "false", "List") == [skipped, done]
    exported = {task["id"] for task in admin.get(f"/api/projects/{project}/export", exportType="JSON").json()}
    assert exported == {skipped, done}
    everything = admin.get(f"/api/projects/{project}/export", exportType="JSON", download_all_tasks="true").json()
    assert {task["id"] for task in everything} == {skipped, done, never}


def test_named_fields_make_annotations_shrink(admin: Browser, project: int) -> None:
    (task,) = admin.tasks(project, {"data": {"text": "ab"}})
    made = admin.post(f"/api/tasks/{task}/annotations/", {"result": [span()]}).json()
    shown = {"project": project, "fields": "all"}
    assert admin.get("/api/tasks/", **shown, include="annotations,nonsense").json()["tasks"] == [{"annotations": [{}]}]
    (shrunk,) = admin.get("/api/tasks/", **shown, include="id,annotations,result").json()["tasks"]
    assert shrunk == {"id": task, "annotations": [{"id": made["id"], "result": [span()]}]}
    whole = admin.get("/api/tasks/", project=project, fields="all").json()["tasks"][0]
    assert whole["annotations"][0]["result"] == [span()]
    assert whole["annotations"][0]["completed_by"] == made["completed_by"]
    alone = admin.get(f"/api/tasks/{task}/").json()
    assert alone["annotations"][0]["completed_by"]["id"] == made["completed_by"]


def test_pages(admin: Browser, project: int) -> None:
    numbers = admin.tasks(project, *({"data": {"text": str(n)}} for n in range(5)))
    pages = [admin.get("/api/tasks/", project=project, page=n, page_size=2, include="id") for n in (1, 2, 3, 4)]
    assert [[task["id"] for task in page.json()["tasks"]] for page in pages[:3]] == [numbers[:2], numbers[2:4], numbers[4:]]
    assert {page.json()["total"] for page in pages[:3]} == {5}
    assert (pages[3].status_code, reasons(pages[3])) == (404, '"Invalid page."')


def test_filters(admin: Browser, project: int) -> None:
    one, two, bare = admin.tasks(
        project, {"data": {"text": "x", "segment_id": "s1", "n": 5}}, {"data": {"text": "y", "segment_id": "s2"}}, {"text": "z"}
    )
    key = "data.segment_id"
    assert admin.found(project, key, "equal", "s1") == [one]
    assert admin.found(project, key, "in_list", ["s1", "s2"], "List") == [one, two]
    assert admin.found(project, key, "contains", "S") == [one, two]
    assert admin.found(project, key, "regex", "^s[13]$") == [one]
    # What is not there is neither equal nor different.
    assert admin.found(project, key, "not_equal", "s1") == [two]
    assert admin.found(project, key, "not_in_list", ["s1"], "List") == [two]
    assert admin.found(project, key, "empty", True) == [bare]
    assert admin.found(project, "data.n", "equal", 5, "Number") == [one]
    assert admin.found(project, "data.n", "equal", "5") == []
    assert admin.found(project, "data.no_such_key", "equal", "s1") == []
    admin.post(f"/api/tasks/{two}/annotations/", {"result": []})
    assert admin.found(project, "total_annotations", "greater", 0, "Number") == [two]
    assert admin.found(project, "updated_at", "greater", "2020-01-01T00:00:00.000Z", "Datetime") == [one, two, bare]
    assert admin.found(project, "updated_at", "greater", "2150-01-01T00:00:00.000Z", "Datetime") == []
    item = {"filter": "filter:tasks:meta.a", "operator": "equal", "type": "String", "value": "x"}
    query = json.dumps({"filters": {"conjunction": "and", "items": [item]}})
    assert admin.get("/api/tasks/", project=project, query=query).status_code == 500
    order = json.dumps({"ordering": ["-tasks:id"]})
    listed = admin.get("/api/tasks/", project=project, query=order, include="id").json()["tasks"]
    assert [task["id"] for task in listed] == [bare, two, one]


def test_a_tab_filters_the_list(admin: Browser, project: int) -> None:
    one, _ = admin.tasks(project, {"data": {"text": "x", "lang": "fi"}}, {"data": {"text": "y", "lang": "en"}})
    item = {"filter": "filter:tasks:data.lang", "operator": "equal", "type": "String", "value": "fi"}
    data = {"title": "fi", "type": "list", "target": "tasks", "filters": {"conjunction": "and", "items": [item]}}
    view = admin.post("/api/dm/views/", {"project": project, "data": data}).json()
    assert [v["data"]["title"] for v in admin.get("/api/dm/views/", project=project).json()] == ["fi"]
    listed = admin.get("/api/tasks/", view=view["id"], include="id").json()["tasks"]
    assert [task["id"] for task in listed] == [one]
    assert admin.http.delete(f"/api/dm/views/{view['id']}/").status_code == 204
    assert admin.get("/api/tasks/", view=view["id"]).status_code == 404


def test_deleting_many(admin: Browser, project: int) -> None:
    first, second, third = admin.tasks(project, *({"data": {"text": str(n)}} for n in range(3)))
    path = f"/api/dm/actions/?id=delete_tasks&project={project}"
    answer = admin.post(path, {"selectedItems": {"all": False, "included": [first, 987654]}}).json()
    assert (answer["processed_items"], answer["detail"]) == (1, "Deleted 1 tasks")
    admin.post(path, {"selectedItems": {"all": True, "excluded": [third]}})
    assert [task["id"] for task in admin.get("/api/tasks/", project=project).json()["tasks"]] == [third]
    assert admin.get(f"/api/tasks/{second}/").status_code == 404
    unknown = admin.post(path.replace("delete_tasks", "no_such"), {"selectedItems": {"all": True}})
    assert "registered actions" in reasons(unknown)


def test_one_lone_surrogate_spoils_a_whole_project(admin: Browser, project: int) -> None:
    good, bad = (
        admin.http.post(
            f"/api/projects/{project}/import?return_task_ids=true",
            content=json.dumps([{"data": {"text": text}}]),
            headers={"Content-Type": "application/json"},
        ).json()["task_ids"][0]
        for text in ("good", "bad \ud83d")
    )
    assert admin.get("/api/tasks/", project=project).status_code == 500
    assert admin.count(project) == 2
    admin.http.delete(f"/api/tasks/{bad}/")
    assert [task["id"] for task in admin.get("/api/tasks/", project=project).json()["tasks"]] == [good]


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")  # the SDK's own
def test_tokens(server: Live, admin: Browser) -> None:
    def whoami(authorization: str) -> httpx.Response:
        return httpx.get(
            f"{server.url}/api/current-user/whoami", headers={"Authorization": authorization} if authorization else {}
        )

    assert reasons(whoami("")) == '"Authentication credentials were not provided."'
    assert reasons(whoami("Token nonsense")) == '"Invalid token."'
    personal = admin.post("/api/token/", {}).json()["token"]
    assert "already have a valid token" in reasons(admin.post("/api/token/", {}))
    assert reasons(whoami(f"Token {personal}")) == '"Invalid token."'
    assert whoami(f"Bearer {personal}").status_code == 401
    access = httpx.post(f"{server.url}/api/token/refresh/", json={"refresh": personal}).json()["access"]
    assert whoami(f"Bearer {access}").status_code == 200
    wrong = httpx.post(f"{server.url}/api/token/refresh/", json={"refresh": access})
    assert (wrong.status_code, reasons(wrong)) == (401, '"Token has wrong type"')
    with Client(server.url, personal) as client:
        assert client.check()
    assert admin.post("/api/token/blacklist/", {"refresh": personal}).status_code == 204
    assert httpx.post(f"{server.url}/api/token/refresh/", json={"refresh": personal}).status_code == 401


def test_a_user_made_by_the_api_can_do_nothing(server: Live, admin: Browser) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    made = admin.post("/api/users/", {"email": email, "password": "Someone-1234", "username": email[:20]})
    assert (made.status_code, made.json()["active_organization"]) == (201, None)
    with pytest.raises(LabelStudioError):  # the login works, and every call after it is refused
        token_of(server.url, email, "Someone-1234")


def test_people_are_refused_as_members(server: Live) -> None:
    login = {"admin_email": server.login.email, "admin_password": server.login.password}
    for email, password in (("nobody", "Someone-1234"), ("someone@example.com", "short"), (server.login.email, "Someone-1234")):
        with pytest.raises(LabelStudioError, match="did not add"):
            add_user(server.url, **login, email=email, password=password)
    with pytest.raises(LabelStudioError, match="login"):
        token_of(server.url, server.login.email, "wrong")


def test_the_sdk_works(server: Live) -> None:
    from label_studio_sdk import LabelStudio

    session = httpx.Client()
    client = LabelStudio(base_url=server.url, api_key=server.login.token, httpx_client=session)
    made = client.projects.create(title="by the sdk", label_config=CONFIG)
    stored = client.projects.import_tasks(made.id, request=[{"text": "Ann works."}], return_task_ids=True)
    (task,) = stored.task_ids
    client.annotations.create(task, result=[span("PER", 0, 3)], lead_time=2.0)
    client.predictions.create(task=task, result=[span("ORG", 0, 3)], model_version="m")
    (listed,) = client.tasks.list(project=made.id, fields="all")
    assert listed.data == {"text": "Ann works."}
    (exported,) = client.projects.exports.as_json(made.id)
    assert exported["annotations"][0]["result"][0]["value"]["labels"] == ["PER"]
    assert next(user.email for user in client.users.list()) == server.login.email
    assert client.projects.get(made.id).title == "by the sdk"
    client.tasks.delete(str(task))
    assert list(client.tasks.list(project=made.id)) == []
    client.projects.delete(made.id)
    session.close()
