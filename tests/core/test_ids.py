"""Ids by time."""

import time
import uuid

from core.ids import uuid7


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = []
    for _number in range(200):
        made.append(uuid7())
        time.sleep(0.000_001)  # the clock moves on between two rows

    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_id_is_of_version_seven_and_tells_its_moment() -> None:
    before = time.time_ns() // 1_000_000
    found = uuid7()

    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert before <= found.int >> 80 <= time.time_ns() // 1_000_000


def test_no_two_ids_are_alike() -> None:
    assert len({uuid7() for _number in range(10_000)}) == 10_000
