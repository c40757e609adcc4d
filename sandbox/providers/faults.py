"""The error answers of each service: a table of bodies per provider, and `error` that fills one in.

Kinds are the same words for every provider; a number is taken as the HTTP status it stands for. The bodies
are composed after the services' published error references, autumn 2026.
"""

from __future__ import annotations

from typing import Any

from .wire import Reply

STATUSES = {
    "400": "bad_request",
    "401": "auth",
    "402": "billing",
    "403": "region",
    "404": "model",
    "413": "too_large",
    "422": "invalid",
    "429": "rate",
    "500": "server",
    "502": "html",
    "503": "overloaded",
}
HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
    "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def openai(message: str, type_: str, code: object = None, param: str | None = None) -> dict[str, Any]:
    """An error body in the OpenAI form."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def mistral(message: object, type_: str, code: str | None = None) -> dict[str, Any]:
    """An error body of Mistral's own kind; the message may be an object."""
    return {"object": "error", "message": message, "type": type_, "param": None, "code": code}


def gemini(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    """A Google API error body; `details` are type-marked objects."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return {"error": error}


def error_info(reason: str) -> dict[str, Any]:
    """The `google.rpc.ErrorInfo` that names a reason."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def quota_failure(quota: str, value: str, model: str = "gemini-3.8-flash") -> dict[str, Any]:
    """The `google.rpc.QuotaFailure` of one exceeded quota."""
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [
            {
                "quotaMetric": metric,
                "quotaId": quota,
                "quotaDimensions": {"location": "global", "model": model},
                "quotaValue": value,
            }
        ],
    }


INVALID = "invalid_request_error"
OPENAI = {
    "auth": (401, openai("Incorrect API key provided: bad-key.", INVALID, "invalid_api_key")),
    "billing": (
        429,
        openai(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "credit_balance_exhausted",
        ),
    ),
    "region": (
        403,
        openai(
            "Country, region, or territory not supported",
            "request_forbidden",
            "unsupported_country_region_territory",
        ),
    ),
    "model": (
        404,
        openai("The model does not exist or you do not have access to it.", INVALID, "model_not_found", "model"),
    ),
    "bad_request": (
        400,
        openai("Invalid value for 'temperature'.", INVALID, "invalid_value", "temperature"),
    ),
    "invalid": (422, openai("Unprocessable request.", INVALID)),
    "max_tokens": (
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            INVALID,
            "unsupported_parameter",
            "max_tokens",
        ),
    ),
    "context": (
        400,
        openai(
            "Input tokens exceed the configured limit of this model. Please shorten the messages.",
            INVALID,
            "context_length_exceeded",
            "messages",
        ),
    ),
    "blocked": (
        400,
        openai("The prompt was refused by the content policy.", INVALID, "content_policy_violation"),
    ),
    "too_large": (413, openai("Request body is too large.", INVALID)),
    "rate": (
        429,
        openai("Rate limit reached for requests. Please try again later.", "requests", "rate_limit_exceeded"),
    ),
    "quota": (
        429,
        openai("Rate limit reached for requests per day (RPD): Limit 200.", "requests", "rate_limit_exceeded"),
    ),
    "server": (
        500,
        openai("The server had an error while processing your request.", "server_error"),
    ),
    "overloaded": (503, openai("The engine is currently overloaded.", "service_unavailable_error")),
    "credits": (402, {"error": {"code": 402, "message": "Insufficient credits", "metadata": {}}}),
    "vllm": (
        400,
        {
            "object": "error",
            "message": "The prompt is longer than the model's window.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
}
SAME = "invalid_request_error"  # what DeepSeek puts into `code` of nearly every error
DEEPSEEK = {
    "auth": (
        401,
        openai("Authentication Fails, Your api key: ****-key is invalid", "authentication_error", SAME),
    ),
    "billing": (402, openai("Insufficient Balance", "unknown_error", SAME)),
    "region": (403, openai("Access from this region is not allowed", "permission_error", SAME)),
    "model": (400, openai("Model Not Exist", INVALID, SAME)),
    "bad_request": (400, openai("Invalid temperature value, the valid range is [0, 2]", INVALID, SAME)),
    "invalid": (
        422,
        openai("Failed to deserialize the JSON body into the target type", INVALID, SAME),
    ),
    "context": (
        400,
        openai(
            "This model's maximum context length is exceeded. Please reduce the length of the messages.",
            INVALID,
            SAME,
        ),
    ),
    "blocked": (400, openai("Content Exists Risk", INVALID, SAME)),
    "reasoning": (
        400,
        openai("The reasoning_content in the thinking mode must be passed back to the API.", INVALID, SAME),
    ),
    "too_large": (413, openai("Request body is too large", INVALID, SAME)),
    "rate": (429, openai("Too many concurrent requests", "rate_limit_error", SAME)),
    "quota": (429, openai("Daily request limit reached", "rate_limit_error", SAME)),
    "server": (500, openai("Internal server error", "server_error", "internal_error")),
    "overloaded": (
        503,
        openai("The server is overloaded, please retry later", "service_unavailable_error", SAME),
    ),
}
MISTRAL = {
    "auth": (401, {"detail": "Unauthorized"}),
    "billing": (402, mistral("Payment required", INVALID)),
    "region": (403, {"detail": "Forbidden"}),
    "model": (400, mistral("Invalid model", "invalid_model", "1500")),
    "bad_request": (400, mistral("Invalid temperature", INVALID)),
    "invalid": (
        422,
        mistral(
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "max_completion_tokens"],
                        "msg": "Extra inputs are not permitted",
                        "input": 100,
                    }
                ]
            },
            INVALID,
        ),
    ),
    "order": (
        400,
        mistral("Unexpected role 'user' after role 'tool'", "invalid_request_message_order", "3230"),
    ),
    "context": (
        400,
        mistral("Prompt contains too many tokens for the model's context length", INVALID, "3051"),
    ),
    "blocked": (403, mistral("The request was stopped by a guardrail", "guardrail_violation")),
    "too_large": (413, {"message": "Request size limit exceeded"}),
    "rate": (
        429,
        mistral("Rate limit exceeded", "rate_limited", "1300") | {"raw_status_code": 429},
    ),
    "rate_short": (429, {"message": "Requests rate limit exceeded"}),
    "quota": (429, mistral("Monthly quota exceeded", "rate_limited", "1300")),
    "server": (500, mistral("Internal server error", "internal_server_error", "1000")),
    "overloaded": (
        503,
        mistral("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"),
    ),
    "capacity": (
        429,
        mistral("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"),
    ),
}
BAD = "INVALID_ARGUMENT"
EXHAUSTED = "RESOURCE_EXHAUSTED"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
GEMINI = {
    "auth": (
        400,
        gemini(400, BAD, "API key not valid. Please pass a valid API key.", error_info("API_KEY_INVALID")),
    ),
    "token": (
        401,
        gemini(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected an API key.",
            error_info("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ),
    ),
    "no_key": (
        403,
        gemini(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers. Please use API Key to call this API.",
        ),
    ),
    "billing": (402, gemini(402, EXHAUSTED, "Your project has no billing balance left.")),
    "prepaid": (429, gemini(429, EXHAUSTED, "Your prepayment credits are depleted.")),
    "region": (
        400,
        gemini(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    ),
    "model": (
        404,
        gemini(404, "NOT_FOUND", "The model is not found or does not support this method. Call ListModels."),
    ),
    "bad_request": (400, gemini(400, BAD, "Request contains an invalid argument.")),
    "invalid": (400, gemini(400, BAD, "Request contains an invalid argument.")),
    "context": (
        400,
        gemini(400, BAD, "The input token count exceeds the maximum number of tokens allowed (1048576)."),
    ),
    "signature": (
        400,
        gemini(
            400,
            BAD,
            "Function call is missing a thought_signature in functionCall parts. "
            "This is required for tools to work correctly.",
        ),
    ),
    "too_large": (413, gemini(413, BAD, "Request payload size exceeds the limit.")),
    "rate": (
        429,
        gemini(429, EXHAUSTED, "You exceeded your current quota.", quota_failure(PER_MINUTE, "20")),
    ),
    "quota": (
        429,
        gemini(429, EXHAUSTED, "You exceeded your current quota.", quota_failure(PER_DAY, "250")),
    ),
    "server": (500, gemini(500, "INTERNAL", "An internal error has occurred. Please retry.")),
    "overloaded": (
        503,
        gemini(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    ),
}
TABLES: dict[str, dict[str, tuple[int, Any]]] = {
    "openai": OPENAI,
    "deepseek": DEEPSEEK,
    "mistral": MISTRAL,
    "gemini": GEMINI,
}


def kinds(provider: str) -> set[str]:
    """Every word `error` understands for this provider."""
    return {"html", *STATUSES, *TABLES[provider]}


def error(provider: str, kind: str, *, retry_after: float | None = None, as_list: bool = False) -> Reply:
    """The provider's answer for a kind of error; a kind it does not have becomes a 501 that says so.

    retry_after: seconds, sent the way the service does (a header, or Gemini's RetryInfo); None leaves it out.
    as_list: the body as a list of one, which Gemini does on some paths.
    """
    kind = STATUSES.get(kind, kind)
    if kind == "html":
        return Reply(502, HTML, {"Content-Type": "text/html"})
    table = TABLES[provider]
    if kind not in table:
        return Reply(501, f"The sandbox knows no error {kind!r} of {provider}; it knows {sorted(kinds(provider))}.")
    status, body = table[kind]
    headers: dict[str, str] = {}
    if retry_after is not None:
        body, headers = _with_retry(provider, body, retry_after)
    return Reply(status, [body] if as_list else body, headers)


def _with_retry(provider: str, body: dict[str, Any], seconds: float) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and headers that ask to wait; whole seconds, as the services round them."""
    if provider != "gemini":
        headers = {"Retry-After": f"{seconds:g}"}
        if provider == "openai":
            headers["x-ratelimit-reset-requests"] = f"{seconds:g}s"
        return body, headers
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"}
    inner = body["error"]
    message = f"{inner['message']} Please retry in {seconds:g}s."
    details = [*inner.get("details", []), info]
    return {"error": inner | {"message": message, "details": details}}, {}
