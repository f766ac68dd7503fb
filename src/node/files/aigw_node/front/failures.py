"""What a caller is told of a failed call: the provider's status, type and code, and words with nothing inner in them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

from aigw_node.front.exchange import Failure
from aigw_node.front.provider_errors import attempt, provider_error
from aigw_node.front.refusal import ANTHROPIC_TYPES
from aigw_node.litellm.outgoing import AnswerRefused

MOST = 1000  # characters of a message
LONGEST_WAIT = 86_400  # seconds; who asks for more is not believed
REFUSED_CREDENTIAL = "the provider refused the gateway's credential"
UNREACHABLE = "the provider could not be reached"
# By LiteLLM's class, where no provider answered: status (None: LiteLLM's own) and words (None: LiteLLM's own, cleaned; "":
# those of the status).
# test_front_failures holds it against the classes that LiteLLM has.
TABLE: dict[str, tuple[int | None, str | None]] = {
    "APIConnectionError": (502, UNREACHABLE),
    "APIError": (502, "the provider failed"),
    "APIResponseValidationError": (502, "the provider's answer could not be read"),
    "AuthenticationError": (None, REFUSED_CREDENTIAL),
    "BadGatewayError": (502, "the provider failed"),
    "BadRequestError": (None, None),
    "BlockedPiiEntityError": (400, "the request was refused"),
    "BudgetExceededError": (429, "the budget of this agent's group is used up"),
    "ContentPolicyViolationError": (400, None),
    "ContextWindowExceededError": (400, None),
    "GuardrailRaisedException": (400, "the request was refused"),
    "HTTPException": (None, ""),
    "ImageFetchError": (400, "an image of the request could not be fetched"),
    "InternalServerError": (502, UNREACHABLE),
    "InvalidRequestError": (400, None),
    "JSONSchemaValidationError": (502, "the model's answer does not fit the JSON schema"),
    "LiteLLMUnknownProvider": (500, "the gateway cannot serve this model"),
    "MidStreamFallbackError": (502, "the provider's stream failed"),
    "MockException": (500, "the request failed"),
    "ModelNotMappedError": (500, "the gateway cannot serve this model"),
    "ModifyResponseException": (400, "the request was refused"),
    "NotFoundError": (404, "the provider has no such model or object"),
    "OpenAIError": (502, "the provider failed"),
    "PaymentRequiredError": (402, ""),
    "PermissionDeniedError": (403, REFUSED_CREDENTIAL),
    "ProxyException": (None, ""),
    "ProxyRateLimitError": (429, ""),
    "RateLimitError": (429, None),  # a provider's limit of this gateway's too
    "RejectedRequestError": (400, "the request was refused"),
    "RouterRateLimitError": (429, "no deployment of this model is free at the moment; try again"),
    "RouterRateLimitErrorBasic": (429, "no deployment of this model is free at the moment; try again"),
    "SensitiveDataRouteException": (500, "the request failed"),
    "ServiceUnavailableError": (503, "the provider is not available; try again"),
    "Timeout": (504, "the provider did not answer in time"),
    "UnprocessableEntityError": (422, None),
    "UnsupportedParamsError": (400, None),
    "VectorStoreSearchError": (400, "the vector store could not be searched"),
}
# Never a provider's answer, whatever was handled when they were raised.
OWN = frozenset(
    {
        "BudgetExceededError",
        "HTTPException",
        "ProxyException",
        "ProxyRateLimitError",
        "RouterRateLimitError",
        "RouterRateLimitErrorBasic",
    }
)
BY_STATUS = {
    400: "the request is not valid",
    401: "this is not an API key of this gateway",
    402: "the provider's account has no credit",
    403: "this key may not do that",
    404: "there is no such model or object",
    408: "the request took too long",
    413: "the request is too long",
    422: "the request is not valid",
    429: "a limit is reached; try again",
    503: "the gateway cannot serve this at the moment; try again",
    504: "the provider did not answer in time",
}
TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
STATUSES = {type_: status for status, type_ in reversed(ANTHROPIC_TYPES.items())}  # an event has no other status
CONTEXT = "context_length_exceeded"
CODES = {
    "BudgetExceededError": "budget_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
    "ContextWindowExceededError": CONTEXT,
}
WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")

_INNER = (
    re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"`)\]}>]+", re.IGNORECASE),
    re.compile(r"\barn:aws[\w-]*:\S+"),
    re.compile(r"\bhost(?:name)?[ =:]+\S+:\d+", re.IGNORECASE),
    re.compile(r"\[(?=[^\]]*:)[0-9A-Fa-f:.]+\](?::\d+)?"),
    re.compile(r"/(?:app|data|etc|home|mnt|opt|root|srv|tmp|usr|var|workspace)/\S+"),
    re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"),
    re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|svc|cluster|corp|lan|com|cn|net|org|io|ai)(?::\d+)?(?:/\S*)?"),
    re.compile(r"\b(?:sk|rk|pk|org|proj|ak|AKIA|LTAI)[-_][A-Za-z0-9*_-]{4,}"),
    re.compile(r"\bBearer\s+\S+", re.IGNORECASE),
    re.compile(r"\b(?:AKIA|LTAI|ASIA)[A-Za-z0-9]{8,}"),
    re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
    re.compile(r"\b[0-9a-f]{32,}\b", re.IGNORECASE),
    re.compile(r"(?<![\w+/-])(?=[A-Za-z_+/-]*\d)[\w+/-]{40,}={0,2}"),
)
_PREFIX = re.compile(r"^(?:litellm\.)?(?:[A-Za-z_]+(?:Error|Exception)|Timeout)\s*(?::|-)\s*")
_ADVICE = re.compile(
    r"\s*(?:\.?\s*Received Model Group=|Available Model Group Fallbacks|LiteLLM Retried|Handle with `litellm|To drop these,"
    r"|Traceback \(most recent|model=|Deployment Info|If you want to|LiteLLM|litellm).*",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def cleaned(text: str) -> str:
    """One line without addresses, names of hosts, keys, hashes, LiteLLM's prefixes and advice."""
    text = text[: 8 * MOST]
    while match := _PREFIX.match(text):
        text = text[match.end() :]
    text = _CONTROL.sub(" ", _ADVICE.sub("", text)).strip()
    for pattern in _INNER:
        text = pattern.sub("[...]", text)
    return text[:MOST]


def failure_of(error: BaseException) -> Failure:
    name = next((type_.__name__ for type_ in type(error).__mro__ if type_.__name__ in TABLE), None)
    behind = list(attempt(error))
    cut = next((each for each in behind if isinstance(each, AnswerRefused)), None)
    if cut is not None:
        return Failure(502, str(cut), type_of(502))
    retry_after = next((seconds for each in behind if (seconds := _retry_after(each)) is not None), None)
    answered = None if name in OWN else provider_error(behind)
    if answered is not None:
        refused = answered.status in (401, 403)
        return Failure(
            answered.status,
            REFUSED_CREDENTIAL if refused else cleaned(answered.message) or general(answered.status),
            _word(answered.type) or type_of(answered.status),
            _word(answered.code) or CODES.get(name or ""),
            _word(answered.param),
            retry_after,
        )
    status, words = TABLE.get(name or "", (None, ""))
    status = status or status_of(error)
    own = cleaned(_message(error)) if words is None else ""
    kind = "budget_exceeded" if name == "BudgetExceededError" else type_of(status)
    return Failure(status, words or own or general(status), kind, CODES.get(name or ""), None, retry_after)


def failure_in(said: Mapping[str, Any]) -> Failure:
    """What a provider says in the midst of a stream: OpenAI's `error`, Anthropic's, or the event of the responses API."""
    inner = said.get("error")
    words = inner if isinstance(inner, Mapping) else {**said, "message": inner} if isinstance(inner, str) else said
    type_, code, param, message = (_text(words.get(name)) for name in ("type", "code", "param", "message"))
    type_ = None if type_ == "error" else type_
    status = int(code) if code and re.fullmatch("[45][0-9]{2}", code) else STATUSES.get(type_ or "", 500)
    return Failure(
        status,
        REFUSED_CREDENTIAL if status in (401, 403) else cleaned(message or "") or general(status),
        _word(type_) or type_of(status),
        None if code and code.isdigit() else _word(code),
        _word(param),
    )


def failure_answered(status: int, body: bytes) -> Failure:
    """What LiteLLM itself answers where no exception was heard of."""
    said = _object(body)
    said = detail if isinstance(detail := said.get("detail"), dict) else said
    words = inner if isinstance(inner := said.get("error"), dict) else said
    message, code = words.get("message"), _text(words.get("code"))
    own = cleaned(message) if isinstance(message, str) and status < 500 and status not in (401, 403) else ""
    return Failure(status, own or general(status), type_of(status), None if code and code.isdigit() else _word(code))


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def general(status: int) -> str:
    return BY_STATUS.get(status, "the request failed" if status >= 500 else "the request is not valid")


def type_of(status: int) -> str:
    return TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def status_of(error: BaseException) -> int:
    for name in ("status_code", "code"):
        said = str(getattr(error, name, ""))
        if said.isdigit() and 400 <= int(said) <= 599:
            return int(said)
    return 500


def _message(error: BaseException) -> str:
    said: Any = getattr(error, "message", None) or getattr(error, "detail", None) or str(error)
    return said if isinstance(said, str) else ""


def _retry_after(error: BaseException) -> int | None:
    """Seconds, of the provider's header or of LiteLLM's own wait for a deployment."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("litellm_response_headers", "headers"):
            headers: Any = getattr(holder, name, None)
            if hasattr(headers, "get") and (found := _seconds(headers.get("retry-after"))) is not None:
                return found
    return _seconds(getattr(error, "cooldown_time", None))


def _seconds(said: Any) -> int | None:
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return None
    return math.ceil(seconds) if 0 <= seconds <= LONGEST_WAIT else None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and value else None


def _word(text: str | None) -> str | None:
    return text if text and WORD.fullmatch(text) else None
