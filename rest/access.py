"""Who calls: an API key, in `Authorization: Bearer …` or `X-API-Key`."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiKey
from accounts.services import KeyRefused, check_api_key
from core.problem import HttpProblem

REALM = 'Bearer realm="sekretar"'


class Opens:
    """Lets in calls whose key has ``scope``; their ``request.auth`` is the key."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        """Raises HttpProblem: 401 without a good key, 403 when it lacks the scope."""
        secret = _given(request)
        if not secret:
            text = _("Send an API key in the header Authorization: Bearer … or X-API-Key.")
            raise HttpProblem(401, text, headers={"WWW-Authenticate": REALM})
        try:
            return check_api_key(secret, self.scope, timezone.now())
        except KeyRefused as error:
            raise lacks_scope(self.scope) if error.reason == "scope" else _not_good() from error


def lacks_scope(scope: str) -> HttpProblem:
    text = _("This API key may not do that: it needs %(scope)s.") % {"scope": scope}
    told = f'{REALM}, error="insufficient_scope", scope="{scope}"'
    return HttpProblem(403, text, headers={"WWW-Authenticate": told})


def _not_good() -> HttpProblem:
    """The same whether nobody has such a key, it was revoked or it ended: who guesses learns nothing."""
    text = _("This API key is not valid. Ask an administrator for one.")
    return HttpProblem(401, text, headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'})


def _given(request: HttpRequest) -> str:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()
