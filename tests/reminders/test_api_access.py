"""Who may call the REST API: keys, their scopes, and what is said to those without."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Access, ApiKey, AuditEntry, User
from accounts.services import decide, revoke_api_key
from tests.reminders.rest import PROBLEM, Service, problem, wish

pytestmark = pytest.mark.django_db

# Method and path of every route, and the scope it needs.
ID = "11111111-2222-3333-4444-555555555555"
ROUTES = {
    ("POST", ""): "reminders:write",
    ("GET", ID): "reminders:read",
    ("PATCH", ID): "reminders:write",
    ("DELETE", ID): "reminders:write",
    ("GET", "user/101"): "reminders:read",
    ("GET", "scheduled"): "reminders:read",
    ("GET", f"{ID}/occurrences"): "reminders:read",
    ("GET", "events"): "events:consume",
    ("POST", f"events/{ID}/ack"): "events:consume",
    ("POST", f"events/{ID}/nack"): "events:consume",
    ("POST", f"events/{ID}/extend"): "events:consume",
    ("POST", f"events/{ID}/replay"): "events:consume",
    ("GET", "audit"): "audit:read",
}
SCOPES = sorted(set(ROUTES.values()))


@pytest.mark.parametrize(("route", "scope"), ROUTES.items(), ids=str)
def test_route_refuses_whoever_has_no_key(service: Service, route: tuple[str, str], scope: str) -> None:
    answer = service.call(*route, wish() if route[0] != "GET" else None, Authorization="")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="sekretar"'
    assert "Send an API key" in problem(answer)["detail"]


@pytest.mark.parametrize(("route", "scope"), ROUTES.items(), ids=str)
def test_route_refuses_a_key_without_its_scope(service: Service, route: tuple[str, str], scope: str) -> None:
    service.another(*(other for other in SCOPES if other != scope))
    answer = service.call(*route, wish() if route[0] != "GET" else None)
    assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
    assert f'error="insufficient_scope", scope="{scope}"' in answer["WWW-Authenticate"]
    assert scope in problem(answer)["detail"]


@pytest.mark.parametrize(("route", "scope"), ROUTES.items(), ids=str)
def test_route_opens_to_a_key_with_its_scope_alone(service: Service, route: tuple[str, str], scope: str) -> None:
    service.another(scope)
    assert service.call(*route).status_code not in (401, 403)


def unknown(_service: Service) -> str:
    return "skr_nobodys0_" + "x" * 43


def revoked(service: Service) -> str:
    revoke_api_key(service.key, by=None, via="command", now=service.now)
    return service.secret


def expired(service: Service) -> str:
    ApiKey.objects.filter(pk=service.key.pk).update(expires_at=service.now)
    return service.secret


def half_known(service: Service) -> str:
    return service.key.prefix + "_" + "x" * 43


def strange(_service: Service) -> str:
    return "ключ"


@pytest.mark.parametrize("bad", [unknown, revoked, expired, half_known])
def test_every_bad_key_is_answered_alike(service: Service, bad: Any) -> None:
    answer = service.get("audit", Authorization=f"Bearer {bad(service)}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="sekretar", error="invalid_token"'
    assert problem(answer) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "This API key is not valid. Ask an administrator for one.",
        "errors": [],
    }


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_key_may_come_as_a_bearer(service: Service, scheme: str) -> None:
    assert service.get("audit", Authorization=f"{scheme} {service.secret}").status_code == 200


def test_key_may_come_in_a_header_of_its_own(service: Service) -> None:
    assert service.get("audit", Authorization="", X_API_Key=service.secret).status_code == 200
    assert service.get("audit", Authorization="Basic eA==", X_API_Key=service.secret).status_code == 200


def test_bearer_goes_before_the_other_header(service: Service) -> None:
    assert service.get("audit", Authorization="Bearer wrong", X_API_Key=service.secret).status_code == 401


@pytest.mark.parametrize("sent", ["Bearer", "Bearer ", "Basic eA==", "ключ", "Bearer ключ", "Bearer a\x7fb"])
def test_odd_headers_are_no_key(service: Service, sent: str) -> None:
    assert service.get("audit", Authorization=sent.encode().decode("latin-1")).status_code == 401


def test_use_of_a_key_is_seen(service: Service) -> None:
    service.get("audit")
    service.key.refresh_from_db()
    assert service.key.last_used_at == service.now


def test_cookies_of_an_operator_open_nothing(service: Service, admin_user: User) -> None:
    service.client.force_login(admin_user)
    assert service.get("audit", Authorization="").status_code == 401


def test_no_answer_sets_a_cookie(service: Service, member: User) -> None:
    assert not service.create().cookies


def test_answers_are_kept_by_nobody_on_the_way(service: Service, member: User) -> None:
    assert service.create()["Cache-Control"] == "no-store"


def test_form_on_another_site_cannot_write(service: Service, member: User) -> None:
    """Nothing here listens to cookies, so no token of a form is asked for."""
    service.client.handler.enforce_csrf_checks = True
    assert service.create().status_code == 201


# --- who exists -----------------------------------------------------------------------------------------------------


def test_person_who_was_blocked_is_gone_with_their_reminders(service: Service, member: User) -> None:
    made = service.created()
    decide(member, Access.BLOCKED, by=None, via="admin", now=service.now)
    for path in (made["id"], f"{made['id']}/occurrences", "user/101"):
        assert service.get(path).status_code == 404
    assert service.patch(made["id"], {"title": "x"}).status_code == 404
    assert service.delete(made["id"]).status_code == 404
    assert service.create().status_code == 404
    assert service.get("scheduled").json()["items"] == []


@pytest.mark.parametrize("telegram_id", [102, 7, 2**62])
def test_nobody_is_reminded_who_is_not_let_in(service: Service, telegram_id: int) -> None:
    answer = service.create(user_id=telegram_id)
    assert answer.status_code == 404
    assert "no such person" in problem(answer)["detail"]


def test_what_a_key_did_names_the_key_and_not_its_secret(service: Service, member: User) -> None:
    service.created()
    entry = AuditEntry.objects.get(action="reminder.created")
    assert (entry.via, entry.details["key"]) == ("api", service.key.prefix)
    assert service.secret not in str(entry.details)


def test_key_is_good_until_its_end(service: Service) -> None:
    ApiKey.objects.filter(pk=service.key.pk).update(expires_at=service.now + timedelta(seconds=1))
    assert service.get("audit").status_code == 200
