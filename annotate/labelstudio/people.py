"""Users of the Community edition. A user made through the API belongs to no organisation and can do nothing; the invitation
flow, the one a person follows in the browser, makes one that can work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from annotate.errors import LabelStudioError, NotAuthorised, UnexpectedAnswer
from annotate.labelstudio.http import new_session, transport_errors

_ERROR = re.compile(r'class="[^"]*error[^>]*>(?:\s*<li[^>]*>)?\s*([^<]*[^<\s])\s*<')


def add_user(url: str, *, admin_email: str, admin_password: str, email: str, password: str) -> None:
    """Make a member of the administrator's organisation. Raises `LabelStudioError` when the server refuses."""
    with transport_errors(url):
        with _session(url, admin_email, admin_password) as admin:
            if email in {user["email"] for user in admin.get("/api/users/").json()}:
                raise LabelStudioError(f"Label Studio did not add {email}: there is such a user", hint="choose another address")
            invite = admin.get("/api/invite").json()["invite_url"]
        with new_session(url, base=True) as visitor:
            visitor.get(invite)
            form = {"email": email, "password": password, "csrfmiddlewaretoken": _csrf(visitor), "allow_newsletters": "false"}
            answer = visitor.post(invite, data=form, headers={"Referer": f"{url}{invite}"})
            if answer.status_code != 302:
                reasons = "; ".join(_ERROR.findall(answer.text)) or f"status {answer.status_code}"
                hint = "an address looks like name@example.com; a password has at least 8 characters"
                raise LabelStudioError(f"Label Studio did not add {email}: {reasons}", hint=hint)


def token_of(url: str, email: str, password: str) -> str:
    """The legacy API token of a user, who logs in as in the browser. `NotAuthorised` when the password is wrong."""
    with transport_errors(url), _session(url, email, password) as session:
        return str(session.get("/api/current-user/token").json()["token"])


@contextmanager
def _session(url: str, email: str, password: str) -> Iterator[httpx.Client]:
    with new_session(url, base=True) as session:
        session.get("/user/login/")
        form = {"email": email, "password": password, "csrfmiddlewaretoken": _csrf(session)}
        answer = session.post("/user/login/", data=form, headers={"Referer": f"{url}/user/login/"})
        if answer.status_code != 302:
            raise NotAuthorised(f"{url} refused the login of {email}", hint="was the password changed in Label Studio?")
        yield session


def _csrf(session: httpx.Client) -> str:
    token = session.cookies.get("csrftoken")
    if not token:
        raise UnexpectedAnswer(f"{session.base_url} shows no login form", hint="check the URL")
    return token
