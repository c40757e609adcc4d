"""core/problem.py: errors as RFC 9457 wants them."""

import json

from core.problem import Flaw, HttpProblem, bad


def test_answer_is_a_problem_with_its_type() -> None:
    answer = HttpProblem(404, "There is no such reminder.").answer()
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(answer.content) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such reminder.",
        "errors": [],
    }


def test_flaws_are_listed_and_their_sentences_are_the_detail() -> None:
    problem = HttpProblem(400, flaws=[Flaw("a", "past", "Too late."), Flaw("b", "empty", "Say it.")])
    body = json.loads(problem.answer().content)
    assert body["detail"] == "Too late. Say it."
    assert body["errors"] == [
        {"field": "a", "code": "past", "detail": "Too late."},
        {"field": "b", "code": "empty", "detail": "Say it."},
    ]


def test_headers_go_along() -> None:
    assert HttpProblem(405, headers={"Allow": "GET"}).answer()["Allow"] == "GET"


def test_one_bad_field_is_short_to_say() -> None:
    problem = bad("page", "bad-value", "Count from 1.")
    assert (problem.status, problem.flaws) == (400, [Flaw("page", "bad-value", "Count from 1.")])
