"""The site's own files (styles, scripts, fonts), served by this process."""

from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise that needs no `collectstatic` and gives each file whole.

    WhiteNoise streams synchronously, of which Django warns under ASGI before it reads the file whole itself.
    """

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Without `collectstatic` there is no such folder; the apps' own folders have everything."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        with closing(found.file or BytesIO()) as file:
            answer = HttpResponse(file.read(), status=int(found.status))
        del answer["Content-Type"]
        for name, value in found.headers:
            answer[name] = value
        return answer
