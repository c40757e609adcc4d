"""What machines ask of the web side: does it live, is all well, how much of what.

    /healthz   200 while this process answers; touches nothing else
    /readyz    200, or 503 with what is wrong (core/health.py)
    /metrics   figures for Prometheus (config/metrics.py)

A middleware and not addresses: a probe calls by a name or number that need not be one of ALLOWED_HOSTS.
"""

import hmac
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from core.health import Level, examine

View = Callable[[HttpRequest], HttpResponse]

# A proxy on this machine says with these for whom it asks.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")


class Probes:
    """Answers probes; lets everything else pass."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = VIEWS.get(request.path_info, self.get_response)
        return view(request)


def healthz(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    """Levels and figures; the words are for the admins, who have them in their chat."""
    found = examine(timezone.now())
    ready = all(finding.level != Level.FAILED for finding in found.values())
    checks = {name: {"level": finding.level, **finding.facts} for name, finding in found.items()}
    answer = JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)
    answer["Cache-Control"] = "no-store"
    # Django would log each 503 as an error of ours; what is not well is logged once, by the bot's process.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def metrics(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        return HttpResponse("Not for you: see METRICS_TOKEN.\n", status=403, content_type="text/plain")
    from config.metrics import CONTENT_TYPE, page

    return HttpResponse(page(), content_type=CONTENT_TYPE)


def may_read(request: HttpRequest) -> bool:
    """With METRICS_TOKEN whoever sends it; without one only a program on this machine that asks for itself."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    return _is_here(request.META.get("REMOTE_ADDR", "")) and not any(name in request.headers for name in FORWARDED)


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


VIEWS: dict[str, View] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
