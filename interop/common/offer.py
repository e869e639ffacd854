"""What the Python servers offer: `../servers/offer.json` brought to life.

This module imports no SDK; `py1/server.py` and `py2/server.py` bind it to theirs. Every
server has one client, so what belongs to a connection is kept once.
"""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path
from urllib.parse import unquote

import anyio

LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
OFFER = json.loads((Path(__file__).parent.parent / "servers" / "offer.json").read_text())


class Refusal(Exception):
    """What becomes a protocol error."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


class Offered:
    """The lists, and what the tools do.

    A `context` of a call has `progress(done, total, message)`, `log(level, data)`, `tools_changed()`,
    `updated(uri)` and `ask(requests)`: what the client answered under the same keys, or None
    if the requests are the result to give first.
    """

    def __init__(self):
        self.extra = False
        self.cancelled = 0
        self.level = "info"
        self.subscribed = set()

    # --- Lists, resources, prompts

    def page(self, field, items, cursor):
        start = int(cursor.removeprefix("from-")) if cursor else 0
        end = start + OFFER["page"]
        return {field: items[start:end], **({"nextCursor": f"from-{end}"} if end < len(items) else {})}

    def tools(self, cursor):
        tools = [entry["definition"] for entry in OFFER["tools"]]
        return self.page("tools", [*tools, OFFER["extra"]] if self.extra else tools, cursor)

    def resources(self, cursor):
        return self.page("resources", [entry["definition"] for entry in OFFER["resources"]], cursor)

    def templates(self, cursor):
        return self.page("resourceTemplates", OFFER["templates"], cursor)

    def prompts(self, cursor):
        return self.page("prompts", [entry["definition"] for entry in OFFER["prompts"]], cursor)

    def read(self, uri):
        for entry in OFFER["resources"]:
            if entry["definition"]["uri"] == uri:
                return {"contents": entry["contents"]}
        if not uri.startswith("greeting://"):
            raise Refusal(-32002, f"nothing is at {uri}")
        name = unquote(uri.removeprefix("greeting://"))
        return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": f"Hello, {name}!"}]}

    def prompt(self, name, given):
        for entry in OFFER["prompts"]:
            if entry["definition"]["name"] == name:
                break
        else:
            raise Refusal(-32602, f"no prompt is called {name}")

        def filled(content):
            if content["type"] != "text":
                return content
            return {**content, "text": re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], ""), content["text"])}

        messages = [{**message, "content": filled(message["content"])} for message in entry["messages"]]
        return {**({"description": entry["description"]} if "description" in entry else {}), "messages": messages}

    def complete(self, of, name, value):
        values = [v for v in OFFER["completions"].get(of, {}).get(name, []) if v.startswith(value)]
        return {"completion": {"values": values, "total": len(values), "hasMore": False}}

    # --- Tools

    async def call(self, name, given, context):
        """The result of a tool, or None if its requests are the result to give first."""
        for tool in OFFER["tools"]:
            if tool["definition"]["name"] == name:
                break
        else:
            raise Refusal(-32602, f"no tool is called {name}")
        if "error" in tool:
            raise Refusal(**tool["error"])
        if "result" in tool:
            return tool["result"]
        if "asks" in tool:
            answers = await context.ask(tool["asks"])
            return text(json.dumps(answers, ensure_ascii=False)) if answers is not None else None
        return await getattr(self, f"do_{tool['does']}")(context, **given)

    async def do_echo(self, _context, message):
        return text(message)

    async def do_add(self, _context, a, b):
        return text(str(a + b), structuredContent={"result": a + b})

    async def do_countdown(self, context, interval_ms, **given):
        total = given["from"]
        try:
            for done in range(1, total + 1):
                await anyio.sleep(interval_ms / 1000)
                await context.progress(done, total, f"{total - done} to go")
                await context.log("info", {"left": total - done})
            # What arrives in one piece with the answer, some SDKs' clients lose; this one may be busy.
            await anyio.sleep(0.25)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        return text("liftoff")

    async def do_cancellations(self, _context):
        seen, self.cancelled = self.cancelled, 0
        return text(str(seen))

    async def do_toggle_tool(self, context):
        self.extra = not self.extra
        await context.tools_changed()
        return text("there" if self.extra else "gone")

    async def do_touch(self, context, uri):
        await context.updated(uri)
        return text("touched")

    def noisy(self, level):
        return LEVELS.index(level) >= LEVELS.index(self.level)


def serve(app):
    """Serves a web application where the command line says (`--http HOST:PORT`); says so on stderr."""
    import uvicorn

    host, port = sys.argv[2].rsplit(":", 1)
    listener = socket.create_server((host, int(port)))
    print(f"listening on {host}:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
