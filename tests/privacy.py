"""Looking for words in every column of every table, so that a new column cannot be forgotten."""

import itertools
import json
from typing import Any

from django.apps import apps
from django.db import models

SEARCHED = (models.CharField, models.TextField, models.JSONField, models.BinaryField)


def places_of(*words: str) -> set[str]:
    """``model.column`` of every column that holds one of ``words`` anywhere."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        names = [field.name for field in model._meta.concrete_fields if isinstance(field, SEARCHED)]
        for row in model._default_manager.values_list(*names) if names else ():
            holds = [any(word in _text(value) for word in words) for value in row]
            found |= {f"{model._meta.model_name}.{name}" for name in itertools.compress(names, holds)}
    return found


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
