"""How a token is shown to a server."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from annotate.labelstudio.tokens import Refused, authentication

URL = "http://127.0.0.1:8080/ls"
PERSONAL = ".".join(("head", base64.urlsafe_b64encode(json.dumps({"token_type": "refresh"}).encode()).decode(), "tail"))


class Server:
    """Takes an access token `uses` times, then asks for a new one."""

    def __init__(self, uses: int) -> None:
        self.uses, self.left, self.made = uses, 0, 0
        self.seen: list[tuple[str, str, bytes]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.url.path, request.headers.get("Authorization", ""), request.content))
        if request.url.path.endswith("/api/token/refresh/"):
            self.made, self.left = self.made + 1, self.uses
            return httpx.Response(200, json={"access": f"access-{self.made}"})
        if request.headers["Authorization"] != f"Bearer access-{self.made}" or not self.left:
            return httpx.Response(401, json={"detail": "Given token not valid for any token type"})
        self.left -= 1
        return httpx.Response(200, json={"stored": len(request.content)})


@pytest.fixture
def server() -> Server:
    return Server(uses=2)


def test_a_legacy_token_is_shown_as_it_is() -> None:
    with httpx.Client(auth=authentication(URL, "0123456789"), transport=httpx.MockTransport(_echo)) as session:
        assert session.get(f"{URL}/api/x").json() == "Token 0123456789"


def _echo(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=request.headers["Authorization"])


def test_a_personal_token_is_shown_once_for_each_access_token(server: Server) -> None:
    with httpx.Client(auth=authentication(URL, PERSONAL), transport=httpx.MockTransport(server)) as session:
        for _ in range(5):
            assert session.post(f"{URL}/api/import", content=b"[1, 2]").json() == {"stored": 6}
    refreshed = [content for path, _, content in server.seen if path == "/ls/api/token/refresh/"]
    assert [json.loads(content) for content in refreshed] == [{"refresh": PERSONAL}] * 3
    assert all(PERSONAL not in shown for _, shown, _ in server.seen)


def test_a_new_access_token_is_waited_for_no_longer_than_an_answer(server: Server) -> None:
    patience = []

    def watched(request: httpx.Request) -> httpx.Response:
        patience.append((request.url.path, request.extensions.get("timeout")))
        return server(request)

    with httpx.Client(auth=authentication(URL, PERSONAL), transport=httpx.MockTransport(watched), timeout=7.0) as session:
        session.get(f"{URL}/api/x")
        session.get(f"{URL}/api/x", timeout=3.0)
        session.get(f"{URL}/api/x", timeout=3.0)  # the access token has aged
    of = {seconds: httpx.Timeout(seconds).as_dict() for seconds in (3.0, 7.0)}
    assert [waited for path, waited in patience if "refresh" in path] == [of[7.0], of[3.0]]
    assert None not in [waited for _, waited in patience]


def test_a_personal_token_that_is_refused() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"detail": "Token is invalid or expired"})

    with httpx.Client(auth=authentication(URL, PERSONAL), transport=httpx.MockTransport(refuse)) as session:
        with pytest.raises(Refused) as caught:
            session.get(f"{URL}/api/x")
        assert (caught.value.status, caught.value.body) == (401, {"detail": "Token is invalid or expired"})
        assert PERSONAL not in repr(caught.value)


def test_a_new_access_token_that_is_refused_too_is_not_asked_for_for_ever() -> None:
    seen = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200, json={"access": "a"}) if "refresh" in request.url.path else httpx.Response(401, json={})

    with httpx.Client(auth=authentication(URL, PERSONAL), transport=httpx.MockTransport(server)) as session:
        assert [session.get(f"{URL}/api/x").status_code for _ in range(2)] == [401, 401]
    assert len(seen) == 2 + 3  # the second time it could have aged


def test_a_page_in_place_of_an_access_token() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>log in</html>")

    with httpx.Client(auth=authentication(URL, PERSONAL), transport=httpx.MockTransport(page)) as session:
        with pytest.raises(Refused) as caught:
            session.get(f"{URL}/api/x")
        assert caught.value.body == "<html>log in</html>"
