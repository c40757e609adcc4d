"""Files for posts: uploaded first, then named in posts."""

from datetime import datetime
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import File
from ninja.files import UploadedFile as Uploaded

from core.problem import Flaw, HttpProblem, bad
from files import services as files
from files.errors import FileError
from posts.api import shapes, uploads
from posts.api.routing import WRITE, route
from posts.api.shapes import UploadOut
from posts.content import Medium, Refused
from posts.services import media
from rest.answers import answer
from rest.routing import Request


@route("POST", "/media", WRITE, {201: UploadOut}, 400, 413)
def upload_media(request: Request, file: Annotated[Uploaded, File(description="what is to be shown")]) -> HttpResponse:
    """Upload a file (multipart/form-data). What it is, its content says, not its name.

    Its id may be named in `media` of any number of posts. A file that no post names is removed after a while.
    """
    others = [name for name in (*request.POST, *request.FILES) if name != "file"]
    if others:
        text = _("There is no such field. Look for a typing error.")
        raise HttpProblem(400, flaws=[Flaw(name[:100], "unknown-field", text) for name in others])
    if len(request.FILES.getlist("file")) > 1:
        raise bad("file", "too-many", _("Send one file at a time."))
    medium = _kept(file, timezone.now())
    named = {name: getattr(medium, name) for name in shapes.LOOKS}
    return answer({"id": uploads.name_of_file(medium.file.pk if medium.file else 0), **named}, 201)


def _kept(uploaded: Uploaded, now: datetime) -> Medium:
    """Never whole in memory. Raises HttpProblem."""
    path, name = files.incoming_path(), uploaded.name or ""
    try:
        with path.open("wb") as place:
            for piece in uploaded.chunks():
                place.write(piece)
        return media.of_file(files.store(None, files.measure(path, name), now), name=name)
    except FileError as error:
        raise bad("file", "empty-file", _("This file is empty. Send it again.")) from error
    except Refused as error:
        raise HttpProblem(400, flaws=[Flaw("file", one.code, one.text) for one in error.problems]) from error
    finally:
        path.unlink(missing_ok=True)
