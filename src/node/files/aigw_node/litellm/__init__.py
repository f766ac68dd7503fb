"""The seam: all that we use of LiteLLM, Prisma and uvicorn without a promise of theirs, one function each.

A release that changes one of these is told by `needs.py` before it serves, not by a request."""
