"""How results are made comparable with those of the other clients."""

from __future__ import annotations

import base64
import time

import anyio


async def until(condition, seconds):
    """Waits until `condition` holds, at most `seconds`; says whether it came to hold."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        await anyio.sleep(0.005)
    return True


def text_of(result):
    return "\n".join(b["text"] if b["type"] == "text" else f"<{b['type']}>" for b in result["content"])


def plain(result):
    """A result as text, and `isError` only where it is true."""
    if result.get("isError") is True:
        return {"isError": True, "text": text_of(result)}
    return text_of(result)


def refusal(result):
    """That a tool refused, whatever the words: the contract does not fix them."""
    return {"isError": result.get("isError") is True, "says_why": len(text_of(result)) > 0}


def is_png(data):
    return base64.b64decode(data or "")[1:4] == b"PNG"


def family(mime):
    return "text" if mime is not None and mime.startswith("text/") else mime
