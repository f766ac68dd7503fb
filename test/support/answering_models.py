"""Which model answers a call, by LiteLLM's own router: reads {config, failing, calls} from standard input, prints a list."""

import json
import sys

from litellm import Router


def deployment(entry: dict, failing: list[str]) -> dict:
    name = entry["model_name"]
    answer = "litellm.InternalServerError" if name in failing else name
    return {"model_name": name, "litellm_params": {"model": "openai/none", "api_key": "none", "mock_response": answer}}


def answer(router: Router, model: str) -> str:
    try:
        return router.completion(model=model, messages=[{"role": "user", "content": "x"}]).choices[0].message.content
    except Exception as error:
        return type(error).__name__


asked = json.load(sys.stdin)
settings = asked["config"]["router_settings"]
taken = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks", "model_group_alias")
router = Router(
    model_list=[deployment(entry, asked["failing"]) for entry in asked["config"]["model_list"]],
    num_retries=0,
    **{name: settings[name] for name in taken if name in settings},
)
print("ANSWERS " + json.dumps([answer(router, model) for model in asked["calls"]]))
