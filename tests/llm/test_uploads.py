"""Files that are left with a provider, scans that are read, and counts of tokens."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from llm import services, uploads
from llm.client import Client
from llm.errors import ProviderError
from llm.models import Model, ProviderState
from llm.providers import files
from llm.providers.gemini import Gemini
from llm.providers.mistral import Mistral
from llm.services import Target
from llm.tokens import estimate_file, estimate_part, estimate_request
from llm.types import ChatRequest, FileRef, Part, Tool, Turn, user_says
from tests.llm.conftest import KEY, Wire, asks
from tests.llm.test_sandbox import World, world  # noqa: F401 (a fixture)

PDF = Part("document", data=b"%PDF-1.7\n/Type /Page\n/Type /Pages\n/Type/Page \n", mime="application/pdf", name="x.pdf")
FILE = {
    "name": "files/abc-123", "mimeType": "application/pdf", "expirationTime": "2026-11-23T01:00:00.000000Z",
    "uri": "https://generativelanguage.googleapis.com/v1beta/files/abc-123", "state": "ACTIVE",
}  # fmt: skip
PAGES = ["# Invoice\n![img-0.jpeg](img-0.jpeg)", "![img-1.jpeg](img-1.jpeg)", "Total: 10\n"]
OCR = {"pages": [{"markdown": words} for words in PAGES], "model": "mistral-ocr-4-0"}


def begins(wire: Wire, url: str = "") -> Wire:
    return wire.says_json({}, X_Goog_Upload_URL=url or f"{wire.url}/there?upload_id=1")


def received(wire: Wire, **file: Any) -> Wire:
    return wire.says_json({"file": FILE | file}, X_Goog_Upload_Status="final")


async def fails(call: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PROCESSING", 0.001)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests hold ten bytes of files."""
    monkeypatch.setattr(uploads, "INLINE", 10)
    monkeypatch.setattr(files, "INLINE", 10)


async def test_gemini_takes_a_file_in_two_steps(wire: Wire, gemini: Gemini) -> None:
    received(begins(wire))
    ref = await gemini.upload(PDF)
    assert ref == FileRef("gemini", str(FILE["uri"]), datetime(2026, 11, 23, 1, tzinfo=UTC), "files/abc-123")
    start, sent = wire.seen
    assert start.path == "/upload/v1beta/files"
    assert start.headers["X-Goog-Upload-Protocol"] == "resumable"
    assert start.headers["X-Goog-Upload-Header-Content-Length"] == str(len(PDF.data))
    assert start.body == {"file": {"displayName": "document"}}
    assert sent.headers["X-Goog-Upload-Command"] == "upload, finalize"


async def test_file_is_waited_for_while_it_is_processed(wire: Wire, gemini: Gemini) -> None:
    received(begins(wire), state="PROCESSING")
    wire.says_json(FILE | {"state": "PROCESSING"}).says_json(FILE)
    assert (await gemini.upload(PDF)).name == "files/abc-123"
    assert [seen.path for seen in wire.seen[2:]] == ["/v1beta/files/abc-123"] * 2


async def test_file_that_cannot_be_processed_is_given_up(wire: Wire, gemini: Gemini) -> None:
    received(begins(wire), state="FAILED")
    error = await fails(gemini.upload(PDF))
    assert (error.kind, error.param) == ("bad_request", "document")


@pytest.mark.parametrize("url", ["https://elsewhere.example/up", "//elsewhere.example/up", "/up"])
async def test_bytes_go_to_no_other_host(wire: Wire, gemini: Gemini, url: str) -> None:
    begins(wire, url)
    assert (await fails(gemini.upload(PDF))).kind == "server"
    assert len(wire.seen) == 1


async def test_upload_that_did_not_end_is_a_failure(wire: Wire, gemini: Gemini) -> None:
    begins(wire).says_json({"file": FILE}, X_Goog_Upload_Status="active")
    assert (await fails(gemini.upload(PDF))).kind == "server"


async def test_file_that_lies_there_is_referred_to_until_it_ends(wire: Wire, gemini: Gemini) -> None:
    def asked(ref: FileRef) -> Any:
        part = Part("document", data=b"%PDF", mime="application/pdf", ref=ref)
        return gemini.body(asks(turns=[Turn("user", (part,))]), stream=False)["contents"][0]["parts"][0]

    now = timezone.now()
    there = {"fileData": {"mimeType": "application/pdf", "fileUri": "u"}}
    inline = {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}}
    assert asked(FileRef("gemini", "u", now + timedelta(minutes=1))) == there
    assert asked(FileRef("gemini", "u", now)) == inline
    assert asked(FileRef("mistral", "u")) == inline


async def test_mistral_keeps_a_document_for_two_days(wire: Wire, mistral: Mistral) -> None:
    wire.says_json({"id": "497f6eca-6276"})
    ref = await mistral.upload(PDF)
    (seen,) = wire.seen
    assert seen.path == "/v1/files"
    assert 'name="purpose"\r\n\r\nocr' in seen.body
    assert 'name="expiry"\r\n\r\n48' in seen.body
    assert "x.pdf" not in seen.body
    assert ref.expires_at is not None
    assert timedelta(hours=47) < ref.expires_at - timezone.now() <= timedelta(hours=48)
    body = mistral.body(asks(turns=[Turn("user", (Part("document", ref=ref),))]), stream=False)
    assert body["messages"][0]["content"] == [{"type": "file", "file_id": "497f6eca-6276"}]


async def test_scan_is_read_page_by_page(wire: Wire, mistral: Mistral) -> None:
    wire.says_json(OCR)
    read = await mistral.ocr("mistral-ocr-latest", PDF)
    text = "[page 1]\n# Invoice\n\n[page 3]\nTotal: 10"
    assert (read.text, read.pages, read.model) == (text, 3, "mistral-ocr-4-0")
    (seen,) = wire.seen
    assert seen.path == "/v1/ocr"
    assert seen.body["document"]["type"] == "document_url"
    assert seen.body["document"]["document_url"].startswith("data:application/pdf;base64,JVBERi")


@pytest.mark.usefixtures("small")
async def test_large_scan_is_uploaded_read_and_deleted(wire: Wire, mistral: Mistral) -> None:
    wire.says_json({"id": "f1"}).says_json({"message": "down"}, status=500).says_json({"deleted": True})
    assert (await fails(mistral.ocr("m", PDF))).kind == "server"
    assert [(seen.method, seen.path) for seen in wire.seen] == [
        ("POST", "/v1/files"),
        ("POST", "/v1/ocr"),
        ("DELETE", "/v1/files/f1"),
    ]
    assert wire.seen[1].body["document"] == {"type": "file", "file_id": "f1"}


async def test_picture_of_a_text_is_read_too(wire: Wire, mistral: Mistral) -> None:
    wire.says_json(OCR)
    read = await mistral.ocr("m", Part("image", data=b"\x89PNG", mime="image/png"))
    assert read.text == "# Invoice\n\nTotal: 10"
    assert wire.seen[0].body["document"] == {"type": "image_url", "image_url": "data:image/png;base64,iVBORw=="}


async def test_provider_that_reads_no_scans_says_so(wire: Wire, gemini: Gemini) -> None:
    assert (await fails(gemini.ocr("m", PDF))).param == "document"


# The client


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[Client]:
    made = Client({"mistral": Mistral("mistral", wire.url, KEY), "gemini": Gemini("gemini", wire.url, KEY)})
    made.backoff = 0.001
    yield made
    await made.close()


def target(name: str, model: str = "m") -> Target:
    return Target(name, model, None, model)


@pytest.mark.django_db(transaction=True)
async def test_door_of_the_client_retries_a_scan(wire: Wire, client: Client) -> None:
    wire.says_json({"message": "down"}, status=500).says_json(OCR)
    assert (await client.ocr(target("mistral"), PDF.data, PDF.mime)).pages == 3


@pytest.mark.usefixtures("small")
async def test_only_the_largest_files_leave_a_request(world: World) -> None:  # noqa: F811
    large, little = (
        Part("document", data=b"%PDF" * 9, mime="application/pdf"),
        Part("image", data=b"8 bytes!", mime="image/png"),
    )
    request = asks(turns=[Turn("user", (Part("text", "?"), large, little))])
    fitted = await world.client.fitted(target("gemini"), request)
    assert [part.ref is not None for part in fitted.turns[0].parts] == [False, True, False]
    again = await world.client.fitted(target("gemini"), request)
    assert again.turns == fitted.turns
    assert [call.endpoint for call in world.models.calls] == ["files", "files"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["gemini", "mistral"])
async def test_large_document_is_answered(world: World, name: str) -> None:  # noqa: F811
    turn = Turn("user", (Part("text", "[[text Прочла.]]"), PDF))
    assert (await world.ask(name, "", turns=[turn])).text == "Прочла."
    sent = str(world.models.calls[-1].body)
    assert ("fileUri" if name == "gemini" else "file_id") in sent
    assert "JVBER" not in sent


@pytest.mark.usefixtures("small")
async def test_file_that_the_provider_lost_is_uploaded_anew(world: World) -> None:  # noqa: F811
    turn = Turn("user", (Part("text", "[[text Прочла.]]"), PDF))
    await world.ask("gemini", "", turns=[turn])
    world.models.files.clear()
    assert (await world.ask("gemini", "", turns=[turn])).text == "Прочла."
    assert [call.endpoint for call in world.models.calls] == [
        "files",
        "files",
        "chat",
        "chat",
        "files",
        "files",
        "chat",
    ]


@pytest.mark.usefixtures("small")
async def test_provider_without_uploads_gets_everything_in_the_request(world: World) -> None:  # noqa: F811
    picture = Part("image", data=b"\x89PNG\r\n\x1a\n\0\0\0\0", mime="image/png")
    await world.ask("openai", "", turns=[Turn("user", (Part("text", "?"), picture))])
    assert [call.endpoint for call in world.models.calls] == ["chat"]


# Counts


async def test_gemini_counts_the_whole_request(world: World) -> None:  # noqa: F811
    request = ChatRequest("", [user_says("a" * 400)], system="b" * 400)
    counted = await world.client.count_tokens(target("gemini", "gemini-3.8-flash"), request)
    assert counted == (208, True)


async def test_others_are_estimated_and_so_is_a_failure(world: World, wire: Wire, client: Client) -> None:  # noqa: F811
    request = asks("a" * 380)
    assert await world.client.count_tokens(target("mistral"), request) == (104, False)
    wire.says_json({"error": {"code": 500, "status": "INTERNAL", "message": "no"}}, status=500)
    assert await client.count_tokens(target("gemini"), request) == (104, False)


def test_files_count_by_what_they_are() -> None:
    assert estimate_part(Part("image", data=b"x" * 10**6, mime="image/png")) == 1200
    assert estimate_part(PDF) == 2 * 600
    assert estimate_part(Part("document", data=b"%PDF" + b"x" * 600_000, mime="application/pdf")) == 11 * 600
    assert estimate_part(Part("document", data=b"a,b\n" * 300, mime="text/csv")) == 400
    assert estimate_part(Part("audio", data=b"x" * 25_000, mime="audio/ogg; codecs=opus")) == 11 * 32


@pytest.mark.parametrize(
    ("kind", "mime", "size", "pages", "tokens"),
    [
        ("image", "image/png", 10**6, None, 1200),
        ("document", "application/pdf", 10**6, 7, 7 * 600),
        ("document", "application/pdf", 600_000, None, 11 * 600),
        ("audio", "audio/ogg", 25_000, None, 11 * 32),
    ],
)
def test_stored_file_counts_as_the_same_in_a_request(
    kind: str, mime: str, size: int, pages: int | None, tokens: int
) -> None:
    assert estimate_file(kind, mime, size, pages) == tokens


def test_tools_and_the_systems_words_count() -> None:
    bare = asks()
    tool = Tool("weather", "Weather now", {"type": "object"})
    assert estimate_request(asks(system="Be brief.")) > estimate_request(bare)
    assert estimate_request(asks(tools=[tool])) > estimate_request(bare) + 10


# Which model reads scans


@pytest.mark.django_db
def test_model_for_scans_is_found_and_not_offered(settings: Any) -> None:
    settings.MISTRAL_API_KEY = KEY
    assert services.recogniser() is None
    ProviderState.objects.create(name="mistral")
    Model.objects.create(provider_id="mistral", name="mistral-ocr-4-0", capabilities=["ocr"])
    found = services.recogniser()
    assert found is not None
    assert found.ref == "mistral:mistral-ocr-4-0"
    assert services.offered_models() == []
