"""A column whose content is encrypted in the database, with keys that can be changed.

Fernet (https://cryptography.io/en/latest/fernet/) with the keys of FIELD_ENCRYPTION_KEYS: the first one seals, all of
them open. Without any, a key is derived from SECRET_KEY. To change a key, put the new one first, run
``manage.py reseal``, then take the old one out.
"""

import base64
import functools
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models


class Unreadable(Exception):
    """None of the keys opens a sealed value: the key it was sealed with is gone from FIELD_ENCRYPTION_KEYS."""


def seal(value: Any) -> str:
    """Anything that JSON holds, as a text that only a key opens."""
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _fernet().encrypt(plain.encode()).decode("ascii")


def unseal(token: str) -> Any:
    """What was sealed. Raises ``Unreadable``."""
    try:
        return json.loads(_fernet().decrypt(token))
    except InvalidToken as error:
        raise Unreadable("A sealed value cannot be opened. Put its key back into FIELD_ENCRYPTION_KEYS.") from error


def reseal(token: str) -> str:
    """The same value under the first key. Raises ``Unreadable``."""
    try:
        return _fernet().rotate(token).decode("ascii")
    except InvalidToken as error:
        raise Unreadable("A sealed value cannot be opened. Put its key back into FIELD_ENCRYPTION_KEYS.") from error


def is_current(token: str) -> bool:
    """Whether it is the first key that opens ``token``."""
    try:
        _keys()[0].decrypt(token)
    except InvalidToken:
        return False
    return True


def _fernet() -> MultiFernet:
    return MultiFernet(_keys())


def _keys() -> tuple[Fernet, ...]:
    return _keys_of(tuple(settings.FIELD_ENCRYPTION_KEYS), settings.SECRET_KEY)


@functools.lru_cache(maxsize=4)
def _keys_of(keys: tuple[str, ...], secret_key: str) -> tuple[Fernet, ...]:
    derived = base64.urlsafe_b64encode(hashlib.sha256(f"core.sealed:{secret_key}".encode()).digest())
    # The derived one opens what was sealed before there were keys of its own.
    return (*(Fernet(key.strip()) for key in keys), Fernet(derived))


class SealedJSON(models.TextField):  # type: ignore[type-arg]  # only the stubs know its arguments
    """A JSON value, sealed in the column. It cannot be searched; leave it out (``defer``) where it is not read."""

    # What the stubs look for.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Any:
        return None if value is None else unseal(value)

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else seal(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Serialized, it stays sealed."""
        return seal(self.value_from_object(obj))


def sealed_columns() -> Iterator[tuple[type[models.Model], SealedJSON]]:
    """All of them, in all models."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, SealedJSON):
                yield model, field
