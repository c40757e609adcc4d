"""Which answer belongs to which question."""

from typing import Any

from benchmarks.answers import ENDING, answered_at, right_mark, shows_text, tally

BOT, FIRST = 1000, 501
Json = dict[str, Any]


def answer(mark: str) -> str:
    return f"Here is what I heard:\n\n> Please repeat no{mark} for me.\n\nIt shows that {ENDING}"


def chat(chat_id: int, *texts: str) -> Json:
    asked = {"from": {"id": chat_id}, "text": f"Please repeat no{chat_id}x1 for me."}
    return {"id": chat_id, "messages": [asked, *({"from": {"id": BOT}, "text": text} for text in texts)]}


def write(text: str, time: float, method: str = "sendMessage", ok: bool = True) -> Json:
    return {"method": method, "ok": ok, "chat_id": FIRST, "time": time, "params": {"chat_id": FIRST, "text": text}}


def test_every_question_with_its_answer_has_no_flaws() -> None:
    chats = [chat(501, answer("501x1"), answer("501x2")), chat(502, answer("502x1"), answer("502x2"))]
    found = tally(chats, BOT, FIRST, 2, 2)
    assert (found.asked, found.flaws) == (4, 0)


def test_a_question_without_an_answer_is_unanswered() -> None:
    assert tally([chat(501, answer("501x1"))], BOT, FIRST, 1, 2).unanswered == 1


def test_a_second_answer_to_one_question_is_doubled() -> None:
    assert tally([chat(501, answer("501x1"), answer("501x1"))], BOT, FIRST, 1, 1).doubled == 1


def test_an_answer_in_somebody_elses_chat_is_wrong_and_leaves_its_question_unanswered() -> None:
    found = tally([chat(501, answer("501x1"), answer("502x1")), chat(502)], BOT, FIRST, 2, 1)
    assert (found.unanswered, found.wrong) == (1, 1)


def test_an_answer_that_was_cut_off_is_wrong() -> None:
    assert tally([chat(501, answer("501x1")[:-8])], BOT, FIRST, 1, 1).wrong == 1


def test_an_answer_to_two_questions_at_once_is_wrong() -> None:
    assert right_mark(f"no501x1 no501x2 {ENDING}", 501) == ""


def test_chats_outside_the_burst_do_not_count() -> None:
    assert tally([chat(900, "Welcome!"), chat(501, answer("501x1"))], BOT, FIRST, 1, 1).flaws == 0


def test_an_answer_stands_when_its_last_edit_is_there() -> None:
    calls = [write(answer("501x1"), 1.0), write(answer("501x1"), 3.0, "editMessageText")]
    assert answered_at(calls) == {"501x1": 3.0}


def test_half_an_answer_and_a_refused_one_do_not_stand() -> None:
    assert answered_at([write(answer("501x1")[:40], 1.0), write(answer("501x1"), 2.0, ok=False)]) == {}


def test_typing_shows_no_text() -> None:
    assert not shows_text({"method": "sendChatAction", "ok": True, "params": {"action": "typing"}})
