from llm.providers.history import flattened, own_raw, sound
from llm.types import Part, ToolCall, Turn, user_says

CALL = ToolCall("a", "f", "{}")
ASKED = Turn("assistant", (Part("text", "let me see"),), tool_calls=[CALL], raw={"x": 1}, raw_model="openai:m")


def answered(call_id: str = "a", text: str = "3") -> Turn:
    return Turn("tool", (Part("text", text),), tool_call_id=call_id, tool_name="f")


def test_sound_dialog_stays_as_it_is() -> None:
    turns = [user_says("?"), ASKED, answered(), Turn("assistant", (Part("text", "three"),)), user_says("thanks")]
    assert sound(turns) == turns


def test_call_without_an_answer_loses_the_call_and_keeps_the_words() -> None:
    kept = sound([user_says("?"), ASKED, user_says("stop")])
    assert [(turn.role, turn.text, list(turn.tool_calls)) for turn in kept] == [
        ("user", "?", []),
        ("assistant", "let me see", []),
        ("user", "stop", []),
    ]
    assert kept[1].raw is None


def test_answer_without_a_call_is_left_out() -> None:
    assert sound([user_says("?"), answered("b")]) == [user_says("?")]


def test_answers_stand_in_the_order_of_the_calls() -> None:
    asked = Turn("assistant", tool_calls=[ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")])
    assert sound([asked, answered("b"), answered("a")]) == [asked, answered("a"), answered("b")]


def test_assistant_turn_that_says_nothing_is_left_out() -> None:
    assert sound([user_says("?"), Turn("assistant"), user_says("!")]) == [user_says("?"), user_says("!")]


def test_flattened_dialog_has_no_tools_and_loses_no_words() -> None:
    told = flattened([user_says("?"), ASKED, answered()])
    assert [(turn.role, turn.text) for turn in told] == [("user", "?"), ("assistant", "let me see"), ("user", "f: 3")]
    assert not any(turn.tool_calls or turn.raw for turn in told)


def test_raw_message_belongs_to_one_model_of_one_provider() -> None:
    assert own_raw(ASKED, "openai:m") == {"x": 1}
    assert own_raw(ASKED, "openai:n") is None
    assert own_raw(ASKED, "deepseek:m") is None
