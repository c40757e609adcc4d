"""The edges of the REST API: paths, methods, types, sizes, strict JSON, errors, the docs page."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.signals import got_request_exception
from django.db.models import TextField
from django.db.models.functions import Cast
from django.test import Client

from accounts.models import User
from reminders.models import Reminder
from tests.reminders.making import fire
from tests.reminders.rest import TEXT, Service, flaws, problem, wish

pytestmark = pytest.mark.django_db

ID = "11111111-2222-3333-4444-555555555555"
PATHS = {
    "": "POST",
    ID: "DELETE, GET, PATCH",
    "user/101": "GET",
    "scheduled": "GET",
    f"{ID}/occurrences": "GET",
    "events": "GET",
    f"events/{ID}/ack": "POST",
    f"events/{ID}/nack": "POST",
    f"events/{ID}/extend": "POST",
    f"events/{ID}/replay": "POST",
    "audit": "GET",
}


# --- paths and methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "allowed"), PATHS.items())
@pytest.mark.parametrize("slash", ["", "/"])
def test_other_methods_are_refused_with_those_allowed(service: Service, path: str, allowed: str, slash: str) -> None:
    where = f"/api/reminders/{path}".rstrip("/") + slash
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"} - set(allowed.split(", ")):
        answer = service.call(method, where)
        assert (answer.status_code, answer["Allow"]) == (405, allowed), method
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("slash", ["", "/"])
def test_every_path_works_with_and_without_its_slash(service: Service, member: User, slash: str) -> None:
    made = service.call("POST", f"/api/reminders{slash}", wish())
    assert made.status_code == 201
    path = f"{made.json()['id']}{slash}"
    assert service.get(path).status_code == 200
    assert service.patch(path, {"title": "x"}).status_code == 200
    for other in ("user/101", "scheduled", f"{made.json()['id']}/occurrences", "events", "audit"):
        assert service.get(f"{other}{slash}").status_code == 200
    for verb in ("ack", "nack", "extend", "replay"):
        assert "no such event" in problem(service.post(f"events/{ID}/{verb}{slash}"))["detail"]
    assert service.delete(path).status_code == 204


@pytest.mark.parametrize("bad", ["x", "1", "11111111222233334444555555555555", ID + "0", "{" + ID + "}", "ю"])
def test_what_is_no_id_is_nobodys(service: Service, bad: str) -> None:
    for answer in (
        service.get(bad),
        service.patch(bad, {}),
        service.delete(bad),
        service.get(f"{bad}/occurrences"),
        service.post(f"events/{bad}/ack"),
    ):
        assert answer.status_code == 404
        assert problem(answer)["title"] == "Not Found"


def test_id_may_be_written_in_capitals(service: Service, member: User) -> None:
    assert service.get(service.created()["id"].upper()).status_code == 200


def test_fixed_paths_are_not_taken_for_ids(service: Service) -> None:
    assert "items" in service.get("scheduled").json()
    assert "items" in service.get("events").json()
    assert "items" in service.get("audit").json()
    assert "no such person" in problem(service.get("user/x"))["detail"]


@pytest.mark.parametrize("path", ["/api/", "/api/x", "/api/reminders/a/b/c", "/api/reminders//", "/api/docs/x"])
def test_unknown_path_is_a_problem_too(service: Service, path: str) -> None:
    for method in ("GET", "POST"):
        assert problem(service.call(method, path))["status"] == 404


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "json"],
)
def test_other_types_of_content_are_refused(service: Service, member: User, kind: str) -> None:
    answer = service.post("", wish(), Content_Type=kind)
    assert answer.status_code == 415
    assert problem(answer)["detail"] == "Send application/json in UTF-8."
    assert not Reminder.objects.exists()


@pytest.mark.parametrize("kind", ["application/json; charset=latin-1", "application/json; charset=utf-16"])
def test_other_encodings_are_refused(service: Service, kind: str) -> None:
    assert service.post("", wish(), Content_Type=kind).status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"]
)
def test_json_may_name_its_encoding(service: Service, member: User, kind: str) -> None:
    assert service.post("", wish(), Content_Type=kind).status_code == 201


def test_body_is_64_kib_at_most(service: Service, member: User) -> None:
    room = 64 * 1024 - len(json.dumps(wish()))
    full = json.dumps(wish()) + " " * room
    assert service.post("", full).status_code == 201
    answer = service.post("", full + " ")
    assert answer.status_code == 413
    assert problem(answer)["detail"] == "The body is too large: 64 KiB at most."


def test_body_too_large_is_refused_before_it_is_read(service: Service) -> None:
    answer = service.call("POST", "", b"x", Content_Length="9999999", Authorization="")
    assert answer.status_code == 413


MALFORMED = {
    "{": "malformed",
    "": "missing",
    "'text'": "malformed",
    '{"user_id": 101, "user_id": 102}': "duplicate-name",
    '{"max_runs": NaN}': "bad-number",
    '{"max_runs": 1e999}': "bad-number",
    '{"title": "\\u0000"}': "bad-text",
    '{"title": "\\ud800"}': "bad-text",
    '{"payload": ' + '{"a":' * 40 + "1" + "}" * 40 + "}": "too-deep",
    "[" * 30_000: "too-deep",
    "[]": "wrong-type",
    "null": "wrong-type",
    '"x"': "wrong-type",
}


@pytest.mark.parametrize(("body", "code"), MALFORMED.items(), ids=lambda text: text[:24])
def test_what_is_no_sound_json_object_is_refused(service: Service, member: User, body: str, code: str) -> None:
    assert flaws(service.post("", body)) == [("", code)]


def test_body_that_is_no_utf_8_is_refused(service: Service) -> None:
    assert flaws(service.post("", json.dumps(wish(title="é"), ensure_ascii=False).encode("latin-1"))) == [
        ("", "malformed")
    ]


def test_unknown_fields_are_refused_by_name(service: Service, member: User) -> None:
    answer = service.post("", wish() | {"cron_expr": "* * * * *", "Title": "x"})
    assert flaws(answer) == [("cron_expr", "unknown-field"), ("Title", "unknown-field")]
    assert not Reminder.objects.exists()


def test_unknown_parameters_are_refused_by_name(service: Service, member: User) -> None:
    for path in ("user/101?stauts=active", "scheduled?form=x", "events?stat=dead", "audit?id=1"):
        assert [code for _field, code in flaws(service.get(path))] == ["unknown-field"]
    assert flaws(service.post("?dryrun=true", wish())) == [("dryrun", "unknown-field")]
    assert not Reminder.objects.exists()


def test_trial_of_a_change_is_refused_and_not_made(service: Service, member: User) -> None:
    made = service.created()["id"]
    assert flaws(service.patch(f"{made}?dry_run=true", {"title": "x"})) == [("dry_run", "unknown-field")]
    assert service.get(made).json()["title"] == ""


def test_everything_wrong_is_told_at_once(service: Service, member: User) -> None:
    answer = service.post("", {"user_id": "101", "type": "weekly", "payload": "[]", "nag_minutes": 0, "x": 1})
    assert flaws(answer) == [
        ("user_id", "wrong-type"),
        ("type", "bad-value"),
        ("payload", "not-an-object"),
        ("nag_minutes", "out-of-range"),
        ("x", "unknown-field"),
    ]


def test_missing_fields_are_named(service: Service) -> None:
    assert flaws(service.post("", {})) == [("user_id", "missing"), ("type", "missing"), ("payload", "missing")]


@pytest.mark.parametrize("value", ["101", 101.5, True, None, [101], 0, -101, 2**63])
def test_user_is_a_whole_number_above_zero(service: Service, member: User, value: Any) -> None:
    [(field, _code)] = flaws(service.post("", wish() | {"user_id": value}))
    assert field == "user_id"


# --- errors of ours -------------------------------------------------------------------------------------------------


def test_bug_is_reported_and_says_nothing_of_itself(service: Service, member: User, settings: Any) -> None:
    told: list[object] = []

    def hear(request: object, **_more: object) -> None:
        told.append(request)

    service.client.raise_request_exception = False
    settings.ASSISTANT_TASKS = "nowhere.perform"
    settings.ASSISTANT_DIRECTORY = "nowhere.knows"
    got_request_exception.connect(hear)
    answer = service.create(payload={"watch": "x"}, assistant_id=ID)
    got_request_exception.disconnect(hear)
    assert answer.status_code == 500
    assert problem(answer)["detail"].startswith("Something went wrong here.")
    assert b"nowhere" not in answer.content
    assert len(told) == 1


def test_sentences_follow_the_callers_language(service: Service) -> None:
    answer = service.post("", {}, Accept_Language="ru")
    assert answer["Content-Language"] == "ru"
    assert "Accept-Language" in answer["Vary"]


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"user_id": "101"}, "Write a whole number."),
    ({"user_id": 1.5}, "Write a whole number."),
    ({"user_id": 0}, "This must be 1 or more."),
    ({"user_id": 2**63}, f"This must be less than {2**63}."),
    ({"nag_minutes": 1441}, "This must be 1440 or less."),
    ({"type": "weekly"}, "Write one of these: 'one_time', 'recurring'."),
    ({"title": 5}, "Write a text, in quotes."),
    ({"title": "x" * 201}, "This is too long: 200 characters at most."),
    ({"assistant_id": "me"}, "Write a UUID, as assistants have one."),
    ({"assistant_id": 5}, "Write a UUID, as assistants have one."),
    ({"trigger_at": "soon"}, "Write a time that exists, like 2026-04-06T12:00:00Z."),
    ({"rule": "daily"}, "Write a JSON object."),
    ({"rule": {"kind": "once"}}, "Write one of these: 'daily', 'weekly', 'monthly', 'cron'."),
    ({"rule": {"kind": "daily", "at": "9:30"}}, "Write hours and minutes, like 09:30."),
    ({"rule": {"kind": "daily", "at": "09:30", "since": "soon"}}, "Write a day, like 2026-04-06."),
    ({"rule": {"kind": "weekly", "at": "09:30", "days": 1}}, "Write a list."),
    ({"rule": {"kind": "weekly", "at": "09:30", "days": []}}, "Name at least 1."),
    ({"rule": {"kind": "weekly", "at": "09:30", "days": [0] * 8}}, "Name 7 at most."),
]


@pytest.mark.parametrize(("changed", "said"), SENTENCES, ids=str)
def test_what_is_wrong_is_said_in_words_that_can_be_translated(
    service: Service, member: User, changed: dict[str, Any], said: str
) -> None:
    [flaw] = problem(service.post("", wish() | changed))["errors"]
    assert flaw["detail"] == said


def test_body_that_is_no_object_is_told_so(service: Service) -> None:
    assert problem(service.post("", "[]"))["detail"] == "Write a JSON object."


def test_one_sentence_is_said_once(service: Service) -> None:
    assert problem(service.post("", {}))["detail"] == "This is needed."


def test_thousands_of_parameters_are_no_bug_of_ours(service: Service, member: User) -> None:
    answer = service.get("user/101?" + "&".join(["status=active"] * 1001))
    assert answer.status_code == 400
    assert problem(answer)["detail"] == "This request cannot be read."


# --- description ----------------------------------------------------------------------------------------------------


def test_description_names_every_route_and_both_ways_to_send_a_key(client: Client) -> None:
    described = client.get("/api/openapi.json").json()
    ours = {path.removeprefix("/api/reminders/") for path in described["paths"] if path.startswith("/api/reminders/")}
    assert ours == {
        re.sub(
            "user/101", "user/{user_id}", path.replace(f"events/{ID}", "events/{event_id}").replace(ID, "{reminder_id}")
        )
        for path in PATHS
    }
    assert set(described["components"]["securitySchemes"]) == {"bearer", "key"}


def test_description_and_docs_need_no_key(client: Client) -> None:
    for path in ("/api/openapi.json", "/api/openapi.json/", "/api/docs", "/api/docs/"):
        assert client.get(path).status_code == 200


def test_errors_are_described_as_problems(client: Client) -> None:
    for methods in client.get("/api/openapi.json").json()["paths"].values():
        for operation in methods.values():
            wrong = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
            assert {"401", "403", "405"} <= set(wrong)
            assert all(list(answer["content"]) == ["application/problem+json"] for answer in wrong.values())


def test_docs_page_asks_no_other_host(client: Client) -> None:
    page = client.get("/api/docs").content.decode()
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page)
    assert '"validatorUrl": null' in page
    named = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert len(named) == 4
    assert all(finders.find(name) for name in named)


def test_files_of_the_docs_page_are_served(client: Client) -> None:
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-init.js", "favicon.svg"):
        assert client.get(f"/static/ninja/{name}").status_code == 200


def test_process_of_the_bot_knows_no_ninja() -> None:
    """It would cost each bot some 20 MB."""
    look = (
        "import django, sys; django.setup();"
        "from django.conf import settings; from importlib import import_module as find;"
        "[find(name) for name in settings.BOT_MODULES]; [find(name) for name in settings.DELIVERY_SOURCES.values()];"
        "import telegram_bot.management.commands.runbot;"
        "sys.exit(str([name for name in ('ninja', 'pydantic') if name in sys.modules]))"
    )
    env = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"


def test_text_reminder_is_made_with_few_queries(
    service: Service, member: User, django_assert_max_num_queries: Any
) -> None:
    """One for the key, one for the person and the chat, the limits, what is written, and the transaction."""
    service.created()
    with django_assert_max_num_queries(12):
        service.created(payload=TEXT)


# --- payloads whose key is gone -------------------------------------------------------------------------------------

GONE = "Its payload cannot be opened: the key of it is gone from FIELD_ENCRYPTION_KEYS."


@pytest.fixture
def closed(service: Service, member: User, settings: Any) -> dict[str, Any]:
    """A reminder whose payload no key opens any more."""
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    answer = service.post("", wish(title="closed"), Idempotency_Key="closed")
    settings.FIELD_ENCRYPTION_KEYS = []
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


def test_payload_that_no_key_opens_hides_no_other_reminder(service: Service, closed: dict[str, Any]) -> None:
    service.created(title="open")
    shown = {item["title"]: item for item in service.get("user/101").json()["items"]}
    assert (shown["open"]["payload"], shown["open"]["status_reason"]) == (TEXT, "")
    assert (shown["closed"]["payload"], shown["closed"]["status_reason"]) == (None, GONE)
    assert shown["closed"]["next_run_at"] == closed["next_run_at"]


def test_reminder_that_no_key_opens_is_shown_without_its_payload(service: Service, closed: dict[str, Any]) -> None:
    Reminder.objects.filter(pk=closed["id"]).update(status_reason="Failed.")
    shown = service.get(closed["id"]).json()
    assert shown == closed | {"payload": None, "status_reason": f"Failed. {GONE}"}
    assert service.get("scheduled").json()["total"] == 1


def test_reminder_that_no_key_opens_can_be_paused_and_cancelled(
    service: Service, closed: dict[str, Any], settings: Any
) -> None:
    for sent, status in (({"status": "paused"}, "paused"), ({"status": "active"}, "active")):
        answer = service.patch(closed["id"], sent)
        assert (answer.status_code, answer.json()["status"], answer.json()["payload"]) == (200, status, None)
    assert service.delete(closed["id"]).status_code == 204
    assert service.get(closed["id"]).json()["status"] == "cancelled"


def test_what_no_key_opens_lies_there_as_it_did(service: Service, closed: dict[str, Any], settings: Any) -> None:
    """The key may come back."""
    token = Cast("payload", TextField())
    before = Reminder.objects.annotate(token=token).values_list("token", flat=True)[0]
    service.delete(closed["id"])
    assert Reminder.objects.annotate(token=token).values_list("token", flat=True)[0] == before


@pytest.mark.parametrize("sent", [{"title": "x"}, {"payload": {"text": "x"}}, {"trigger_at": "2026-11-20T12:00:00Z"}])
def test_change_of_what_no_key_opens_says_why_it_is_not_made(
    service: Service, closed: dict[str, Any], sent: dict[str, Any]
) -> None:
    answer = service.patch(closed["id"], sent)
    assert flaws(answer) == [("payload", "unreadable")]
    assert problem(answer)["detail"] == GONE


def test_replay_of_what_no_key_opens_makes_no_second(service: Service, closed: dict[str, Any]) -> None:
    answer = service.post("", wish(title="closed"), Idempotency_Key="closed")
    assert (answer.status_code, answer.json()["id"], answer.json()["payload"]) == (200, closed["id"], None)


def test_event_of_what_no_key_opens_can_be_acknowledged(
    service: Service, closed: dict[str, Any], settings: Any
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:6379/0"
    event = fire(Reminder.objects.defer("payload").select_related("schedule").get(pk=closed["id"]))
    for verb in ("extend", "nack", "ack"):
        assert service.post(f"events/{event.pk}/{verb}").status_code == 200
    assert service.get(closed["id"]).json()["status"] == "completed"
