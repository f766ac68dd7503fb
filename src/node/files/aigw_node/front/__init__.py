"""An ASGI layer before LiteLLM: LiteLLM gets only what the front has made, and no answer leaves but through it."""
