"""Another service, which speaks REST with us about posts."""

from typing import Any, ClassVar

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.posts.making import NEWS
from tests.rest.calling import Caller

EDITOR = 104  # tests.posts.making.editor


class Service(Caller):
    BASE = "/api/posts/"
    SCOPES: ClassVar = ("posts:read", "posts:write", "posts:publish", "audit:read")

    def create(self, **changed: Any) -> Any:
        """A text for the channel, or what ``changed`` makes of it; None leaves a name out."""
        return self.post("", wish(**changed))

    def created(self, **changed: Any) -> dict[str, Any]:
        return made(self.create(**changed), 201)

    def upload(self, content: bytes, name: str, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.secret}", **headers}
        file = SimpleUploadedFile(name, content, "application/octet-stream")
        return self.client.post(f"{self.BASE}media", {"file": file}, headers=sent)

    def uploaded(self, content: bytes, name: str = "picture.png") -> str:
        number: str = made(self.upload(content, name), 201)["id"]
        return number


def wish(**changed: Any) -> dict[str, Any]:
    usual = {"author": EDITOR, "text": "Hello **all**", "targets": [{"chat_id": NEWS}]}
    return {name: value for name, value in (usual | changed).items() if value is not None}


def made(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    body: dict[str, Any] = answer.json()
    return body
