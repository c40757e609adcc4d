"""Files by the names under which programs know them.

A name is a signed number: nobody can guess one, or name a file that somebody sent to the bot in a dialog.
"""

import functools
from dataclasses import fields

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _

from files import services as files
from files.models import StoredFile
from posts.content import Medium, Problem, Refused
from posts.models import PostMedia
from posts.services import media

# A kept file, or one that only Telegram has: then the row of a post that shows it.
FILE, ROW = "f", "m"


@functools.cache
def _signer() -> Signer:
    """Made when it is needed: without a SECRET_KEY the checks must still be able to say so."""
    return Signer(salt="posts.media", sep=".")


def name_of(row: PostMedia) -> str:
    return name_of_file(row.file_id) if row.file_id is not None else _signer().sign(f"{ROW}{row.pk}")


def name_of_file(number: int) -> str:
    return _signer().sign(f"{FILE}{number}")


def find(name: str, *, kind: str = "", position: int = 0) -> Medium | None:
    """What goes by that name, to be sent as ``kind`` (empty: as what it is); None when there is no such thing, or not
    any more. Raises Refused: it is there, and cannot be sent so."""
    try:
        said = _signer().unsign(name)
    except BadSignature:
        return None
    if said.startswith(FILE):
        stored = StoredFile.objects.filter(pk=int(said[1:])).first()
        there = stored is not None and files.path_of(stored).exists()
        return media.of_file(stored, kind=kind, number=position + 1) if stored is not None and there else None
    row = PostMedia.objects.select_related("file").filter(pk=int(said[1:])).first()
    if row is None:
        return None
    if kind and kind != row.kind:
        text = _(
            "Telegram has this file as %(kind)s and sends it as nothing else. Leave `kind` out, or upload the file."
        )
        raise Refused([Problem(f"media.{position}.kind", "wrong-kind", text % {"kind": row.kind})])
    return Medium(**{field.name: getattr(row, field.name) for field in fields(Medium)})
