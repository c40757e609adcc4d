"""What is described of the APIs: nothing of one stands in for the same name of another."""

from collections import Counter

from pydantic import BaseModel

from config.api import api
from rest.answers import Shape
from rest.bodies import Body


def kinds(of: type[BaseModel]) -> list[type[BaseModel]]:
    below: list[type[BaseModel]] = of.__subclasses__()
    return below + [kind for one in below for kind in kinds(one)]


def test_no_two_shapes_have_the_same_name() -> None:
    """Ninja keeps them by their names: the second would replace the first without a word."""
    assert api.get_openapi_schema()["components"]["schemas"]
    names = Counter(kind.__name__ for kind in {*kinds(Shape), *kinds(Body)})
    assert [name for name, number in names.items() if number > 1] == []


def test_every_operation_has_a_name_of_its_own() -> None:
    methods = api.get_openapi_schema()["paths"].values()
    names = Counter(operation["operationId"] for one in methods for operation in one.values())
    assert [name for name, number in names.items() if number > 1] == []
