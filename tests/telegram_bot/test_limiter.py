"""Telegram's flood limits: who waits, who is dropped, and how long. The clock is the test's."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from telegram.error import RetryAfter

from telegram_bot.limiter import COSMETIC, RESERVED, Budget, ChatBudget, Dropped, Limiter, Minute, seconds_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_burst_goes_at_once_then_one_a_second(clock: Clock) -> None:
    budget = Budget(1.0, 3, clock)
    for _message in range(3):
        assert budget.wait() == 0
        budget.take()

    assert budget.wait() == pytest.approx(1.0)
    clock.now += 1.0
    assert budget.wait() == 0


def test_spare_place_is_kept_for_what_must_follow(clock: Clock) -> None:
    budget = Budget(1.0, 3, clock)
    budget.take()
    budget.take()

    assert budget.wait() == 0
    assert budget.wait(spare=1) == pytest.approx(1.0)


def test_group_never_gets_more_than_twenty_a_minute(clock: Clock) -> None:
    minute = Minute(20, clock)
    for _message in range(20):
        assert minute.wait() == 0
        minute.take()
        clock.now += 1

    assert minute.wait() == pytest.approx(40.0)
    clock.now += 40
    assert minute.wait() == 0


def test_cool_off_after_a_429_is_the_chats_own(clock: Clock) -> None:
    cooling, other = ChatBudget([], clock), ChatBudget([], clock)
    cooling.cool_until = clock.now + 5

    assert cooling.wait(0) == pytest.approx(5.0)
    assert other.wait(0) == 0


async def request(
    limiter: Limiter, endpoint: str, chat_id: int, priority: str | None = None, answer: Any = True
) -> Any:
    async def call() -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return await limiter.process_request(call, (), {}, endpoint, {"chat_id": chat_id}, priority)


async def test_cosmetic_call_without_room_is_dropped_not_queued(clock: Clock) -> None:
    limiter = Limiter(0, 1, 20, clock)
    await request(limiter, "sendMessage", 1)
    await request(limiter, "sendMessage", 1)

    with pytest.raises(Dropped):
        await request(limiter, "editMessageText", 1, COSMETIC)
    assert await request(limiter, "sendMessage", 1) is True  # the place that was kept


async def test_typing_uses_no_place_up() -> None:
    limiter = Limiter(0, 1, 20)
    for _time in range(10):
        assert await request(limiter, "sendChatAction", 1, COSMETIC) is True


async def test_429_makes_its_chat_wait_and_no_other(clock: Clock) -> None:
    limiter = Limiter(0, 0, 0, clock)
    with pytest.raises(RetryAfter):
        await request(limiter, "sendMessage", 1, answer=RetryAfter(30))

    with pytest.raises(Dropped):
        await request(limiter, "editMessageText", 1, COSMETIC)
    async with asyncio.timeout(60):
        assert await request(limiter, "sendMessage", 2) is True


async def test_answering_a_press_is_not_limited() -> None:
    limiter = Limiter(1, 1, 1)
    async with asyncio.timeout(60):
        for _time in range(20):
            assert await request(limiter, "answerCallbackQuery", 1) is True


async def test_zero_turns_a_limit_off() -> None:
    limiter = Limiter(0, 0, 0)
    async with asyncio.timeout(60):
        for _time in range(200):
            await request(limiter, "sendMessage", 1)
            await request(limiter, "sendMessage", -1)


async def test_what_must_arrive_waits_for_its_turn() -> None:
    limiter = Limiter(0, 20, 20)  # 20 a second, three at once
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _time in range(5):
        await request(limiter, "sendMessage", 1)

    assert loop.time() - began >= 0.09


async def test_group_takes_twenty_a_minute_over_sends_and_edits(clock: Clock) -> None:
    limiter = Limiter(0, 1, 20, clock)
    sent = 0
    for _second in range(60):
        for endpoint in ("sendMessage", "editMessageText", "copyMessage"):
            if limiter.budget(-100).wait(0) == 0:
                await request(limiter, endpoint, -100)
                sent += 1
        clock.now += 1

    assert sent == 20


async def test_channel_named_by_its_username_counts_as_a_group(clock: Clock) -> None:
    limiter = Limiter(0, 1, 20, clock)
    for _message in range(5):
        limiter.budget("@news").take()

    assert limiter.budget("@news").wait(0) == pytest.approx(3.0)


async def test_whole_bot_has_a_rate_too(clock: Clock) -> None:
    limiter = Limiter(25, 0, 0, clock)
    for chat_id in range(1, 6):
        await request(limiter, "sendMessage", chat_id)

    with pytest.raises(Dropped):
        await request(limiter, "editMessageText", 99, COSMETIC)


async def test_no_second_sees_more_than_telegram_takes_of_a_bot(clock: Clock) -> None:
    """A crowd that was waiting, after a silence: five at once, then 25 a second."""
    limiter, sent = Limiter(25, 0, 0, clock), 0
    for _step in range(100):
        while not max(limit.wait() for limit in limiter._bot):
            await request(limiter, "sendMessage", sent := sent + 1)
        clock.now += 0.01

    assert 28 <= sent <= 30


async def test_chats_that_fell_silent_are_forgotten_but_not_one_that_cools_off(clock: Clock) -> None:
    limiter = Limiter(0, 1, 20, clock)
    for chat_id in range(1, 50):
        await request(limiter, "sendMessage", chat_id)
    with pytest.raises(RetryAfter):
        await request(limiter, "sendMessage", 50, answer=RetryAfter(3600))
    clock.now += 121
    await request(limiter, "sendMessage", 51)

    assert set(limiter._chats) == {50, 51}
    with pytest.raises(Dropped):
        await request(limiter, "editMessageText", 50, COSMETIC)


async def test_calls_that_show_nothing_are_not_limited(clock: Clock) -> None:
    limiter = Limiter(1, 1, 1, clock)
    for _time in range(20):
        assert await request(limiter, "getChat", 1) is True
        assert await request(limiter, "deleteMessage", 1) is True


def test_pause_may_be_a_number_or_a_timedelta() -> None:
    class Old(RetryAfter):
        retry_after = 17

    class New(RetryAfter):
        retry_after = timedelta(seconds=17)

    assert seconds_of(Old(17)) == seconds_of(New(17)) == 17.0


async def test_turn_that_was_waited_for_is_not_waited_for_again(clock: Clock) -> None:
    limiter = Limiter(0, 1, 20, clock)
    for _message in range(3):
        await limiter.room(1)
    async with asyncio.timeout(60):
        assert await request(limiter, "sendMessage", 1, RESERVED) is True

    with pytest.raises(Dropped):
        await request(limiter, "editMessageText", 1, COSMETIC)


async def test_turn_that_was_not_used_is_there_for_the_next(clock: Clock) -> None:
    limiter = Limiter(5, 1, 20, clock)
    for _try in range(40):
        await asyncio.wait_for(limiter.room(-5), 60)
        limiter.give_back(-5)
    for _message in range(5):
        await asyncio.wait_for(limiter.room(-5), 60)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.room(-5), 0.01)


async def test_what_is_given_back_makes_no_more_room_than_there_was(clock: Clock) -> None:
    limiter = Limiter(0, 1, 20, clock)
    limiter.give_back(7)
    for _message in range(3):
        await limiter.room(7)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.room(7), 0.01)
