"""Who may do what with posts over REST: keys and their scopes."""

from typing import Any

import pytest

from accounts.models import Chat, User
from accounts.services import revoke_api_key
from tests.posts.making import HOUR, Target, fresh, planned, publish, settle, targets
from tests.posts.rest import Service, wish
from tests.rest.calling import PROBLEM, problem

pytestmark = pytest.mark.django_db

ID = "11111111-2222-3333-4444-555555555555"
PLAN = {"planned_at": "2026-11-21T10:00:00Z"}
# Method and path of every route, what is sent, and the scope it needs.
ROUTES: dict[tuple[str, str], tuple[Any, str]] = {
    ("POST", ""): (wish(), "posts:write"),
    ("GET", ""): (None, "posts:read"),
    ("GET", ID): (None, "posts:read"),
    ("PATCH", ID): ({"pin": True}, "posts:write"),
    ("DELETE", ID): (None, "posts:write"),
    ("POST", f"{ID}/repeat"): (None, "posts:write"),
    ("POST", f"{ID}/schedule"): (PLAN, "posts:publish"),
    ("POST", f"{ID}/publish"): (None, "posts:publish"),
    ("POST", f"{ID}/cancel"): (None, "posts:publish"),
    ("POST", f"{ID}/retry"): (None, "posts:publish"),
    ("POST", f"{ID}/delete-everywhere"): (None, "posts:publish"),
    ("POST", f"{ID}/stop-poll"): (None, "posts:publish"),
    ("GET", f"{ID}/targets"): (None, "posts:read"),
    ("PUT", f"{ID}/targets"): ({"targets": []}, "posts:write"),
    ("POST", f"{ID}/targets/1/resolve"): ({"outcome": "there"}, "posts:publish"),
    ("GET", "places"): (None, "posts:read"),
    ("GET", "stats"): (None, "posts:read"),
    ("GET", "status"): (None, "posts:read"),
    ("GET", "audit"): (None, "audit:read"),
    ("POST", "media"): (None, "posts:write"),
}
SCOPES = sorted({scope for _body, scope in ROUTES.values()})
CASES = [(route, body, scope) for route, (body, scope) in ROUTES.items()]


@pytest.mark.parametrize(("route", "body", "scope"), CASES, ids=str)
def test_route_refuses_whoever_has_no_key(service: Service, route: tuple[str, str], body: Any, scope: str) -> None:
    answer = service.call(*route, body, Authorization="")
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)


@pytest.mark.parametrize(("route", "body", "scope"), CASES, ids=str)
def test_route_refuses_a_key_without_its_scope(service: Service, route: tuple[str, str], body: Any, scope: str) -> None:
    service.another(*(other for other in SCOPES if other != scope))
    answer = service.call(*route, body)
    assert answer.status_code == 403
    assert scope in problem(answer)["detail"]


@pytest.mark.parametrize(("route", "body", "scope"), CASES, ids=str)
def test_route_opens_to_a_key_with_its_scope_alone(
    service: Service, editor: User, route: tuple[str, str], body: Any, scope: str
) -> None:
    service.another(scope)
    assert service.call(*route, body).status_code not in (401, 403, 405, 500)


def test_every_route_is_tried_here(service: Service) -> None:
    described = service.get("/api/openapi.json").json()["paths"]
    ours = {
        (method.upper(), path.removeprefix("/api/posts/"))
        for path, methods in described.items()
        if path.startswith("/api/posts/")
        for method in methods
    }
    tried = {(method, path.replace(ID, "{post_id}").replace("/1/", "/{target_id}/")) for method, path in ROUTES}
    assert ours == tried


@pytest.mark.parametrize("state", ["scheduled", "publishing", "published", "error"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PATCH", "", {"text": "Other words"}), ("DELETE", "", None), ("PUT", "/targets", {"targets": []})],
    ids=["change", "remove", "targets"],
)
def test_what_people_see_or_will_see_is_changed_only_with_the_right_to_publish(
    service: Service, editor: User, news: Chat, state: str, method: str, path: str, body: Any
) -> None:
    """Else who may only write could have anything published, by a change of what a person has planned."""
    row = planned(editor, news, at=service.now + HOUR, now=service.now)
    if state != "scheduled":
        publish(row, service.now)
    if state == "published":
        settle(targets(row)[0], now=service.now)
    elif state == "error":
        settle(targets(row)[0], Target.UNKNOWN, now=service.now)
    service.another("posts:write")
    answer = service.call(method, f"{row.pk}{path}", body)
    assert answer.status_code == 403
    assert "posts:publish" in problem(answer)["detail"]
    assert (fresh(row).text, fresh(row).state) == ("Hello", state)


def test_draft_is_changed_and_removed_with_the_right_to_write(service: Service, editor: User, news: Chat) -> None:
    service.another("posts:write")
    number = service.created()["id"]
    assert service.patch(number, {"text": "Other words"}).status_code == 200
    assert service.put(f"{number}/targets", {"targets": []}).status_code == 200
    assert service.delete(number).status_code == 204


def test_keys_of_reminders_open_nothing_here(service: Service) -> None:
    service.another("reminders:read", "reminders:write")
    assert service.get().status_code == 403


def test_key_that_was_revoked_opens_nothing(service: Service) -> None:
    revoke_api_key(service.key, by=None, via="command", now=service.now)
    assert service.get().status_code == 401


def test_form_on_another_site_can_upload_nothing(service: Service, admin_user: User) -> None:
    """A form could send multipart/form-data with an operator's cookies; nothing here listens to cookies."""
    service.client.force_login(admin_user)
    assert service.client.post("/api/posts/media", {}).status_code == 401


def test_answers_are_kept_by_nobody_on_the_way(service: Service, editor: User) -> None:
    assert service.get()["Cache-Control"] == "no-store"
    assert service.get(ID)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/posts", "/api/posts/", "/api/posts/stats/", "/api/posts/stats"])
def test_slash_at_the_end_matters_not(service: Service, path: str) -> None:
    assert service.get(path).status_code == 200
