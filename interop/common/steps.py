"""The steps that both Python clients take, written against a small adapter.

The two SDK generations differ only in `py1/client.py` and `py2/client.py`; this
module imports no SDK. The steps and what they print are those of `steps.mjs`.

An adapter is an object with

* `sdk`, `version`;
* `connect(options, on)`: an async context manager that yields a dictionary with
  `revision`, `era` ("legacy" or "modern"), `capabilities` (None: not known), `server` and `instructions`;
* `list_tools`, `list_resources`, `list_templates`, `list_prompts`: every page, as a list;
* `call_tool(name, arguments, progress=, log_level=)`, `read_resource(uri)`,
  `get_prompt(name, arguments)`, `complete(ref, name, value)`: the result as on the wire;
* `cancel_call(name, arguments, stop, progress=, log_level=)`: calls the tool, and cancels the call once
  the event `stop` is set; says whether the call ended without a result;
* legacy: `ping`, `set_level`, `subscribe`, `unsubscribe`; modern: `listen(tools=, uris=)`,
  an async context manager;
* `undeclared(options)`: an async context manager that yields `call_tool` of a second client, which
  can answer nothing;
* `error_of(error)`: a protocol error as on the wire, or None.

`on` holds what answers the server: `elicit`, `sample`, `roots`, `log`,
`tools_changed`, `updated`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from types import SimpleNamespace

import anyio

from live import Live
from play import Play
from values import family, is_png, plain, refusal

STEP_TIMEOUT_S = 20
LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"
MODERN = "2026-07-28"


class Steps(Live):
    """Takes the steps with one adapter and keeps their values."""

    def __init__(self, client):
        self.client = client
        self.results = {}
        self.logs = []
        self.tools_changed = 0
        self.updated = []
        self.elicited = []
        self.sampled = []
        self.answer = None
        self.on = SimpleNamespace(
            elicit=self._elicit,
            sample=self._sample,
            roots=lambda: [("file:///home/ada/project", "project"), ("file:///tmp", None)],
            log=lambda params: self.logs.append(params["level"]),
            tools_changed=self._tools_changed,
            updated=lambda uri: self.updated.append(uri),
        )

    async def _elicit(self, params):
        asked = list(params.get("requestedSchema", {}).get("properties", {}))
        self.elicited.append(asked)
        return await self.answer(asked)

    def _sample(self, params):
        last = params["messages"][-1]
        content = last["content"][0] if isinstance(last["content"], list) else last["content"]
        self.sampled.append({"role": last["role"], "text": content.get("text", "")})
        return "The answer is 42."

    def _tools_changed(self):
        self.tools_changed += 1

    def _always(self, action, content=None):
        async def answer(_asked):
            return action, content

        self.answer = answer

    async def step(self, name, work):
        started = time.monotonic()
        try:
            with anyio.fail_after(STEP_TIMEOUT_S):
                self.results[name] = await work()
        except Exception as error:  # a failing step is a result, and the next one is still taken
            self.results[name] = {"threw": f"{type(error).__name__}: {error}"}
            if (refused := self.client.error_of(error)) is not None:
                self.results[name]["code"] = refused["code"]
        if os.environ.get("INTEROP_TRACE"):
            print(f"{name}: {(time.monotonic() - started) * 1000:.0f} ms", file=sys.stderr)

    async def code(self, work):
        """The protocol error that `work` ends with, as its code."""
        try:
            await work
        except Exception as error:
            refused = self.client.error_of(error)
            return {"code": refused["code"] if refused is not None else str(error)}
        return {"code": None}

    async def run(self, options):
        """Takes every step; gives the revision, if there is a connection."""
        revision = None
        try:
            async with self.client.connect(options, self.on) as info:
                revision = info["revision"]
                await self.take(info, options)
                started = time.monotonic()
            # The SDKs give a server two seconds to end by itself, and then end it.
            self.results["close"] = "in time" if time.monotonic() - started < 1.5 else "late"
        except Exception as error:
            self.results["close" if revision is not None else "connect"] = {"threw": repr(error)}
        return revision

    async def take(self, info, options):
        self.modern = info["era"] == "modern"
        capabilities = info["capabilities"]

        async def named():
            return {"server_named": bool((info["server"] or {}).get("name"))}

        async def offered():
            found = []
            for key in ("completions", "logging"):
                if capabilities.get(key) is not None:
                    found.append(key)
            for key, part in (
                ("prompts", "listChanged"),
                ("resources", "listChanged"),
                ("resources", "subscribe"),
                ("tools", "listChanged"),
            ):
                if (capabilities.get(key) or {}).get(part):
                    found.append(f"{key}.{part}")
            return found

        # None: the SDK was told to use a revision without asking the server for anything.
        if capabilities is not None:
            await self.step("connect", named)
            await self.step("capabilities", offered)
        await self.lists()
        await self.tools()
        await self.resources_and_prompts()
        await self.progress_and_logs()
        await self.asks()
        await self.tasks()
        await self.changes()
        await self.step("undeclared", lambda: self.undeclared(options))

    async def undeclared(self, options):
        """A tool that must ask is called by a client that did not say it can be asked."""
        async with self.client.undeclared(options) as call:
            try:
                return {"refused": (await call("greet_me")).get("isError") is True}
            except Exception as error:
                if self.client.error_of(error) is None:
                    raise
                return {"refused": True}

    async def lists(self):
        client, step = self.client, self.step
        tools = []

        async def list_tools():
            tools.extend(await client.list_tools())
            return sorted(t["name"] for t in tools)

        async def tool_schema():
            add = next(t for t in tools if t["name"] == "add")

            def types(schema):
                return {k: v.get("type") for k, v in (schema or {}).get("properties", {}).items()}

            output = add.get("outputSchema")
            return {
                "input": types(add["inputSchema"]),
                "required": sorted(add["inputSchema"].get("required", [])),
                "output": None if output is None else types(output),
            }

        async def list_resources():
            found = [{"uri": r["uri"], "mime": family(r.get("mimeType"))} for r in await client.list_resources()]
            return sorted(found, key=lambda r: r["uri"])

        async def list_templates():
            return sorted(t["uriTemplate"] for t in await client.list_templates())

        async def list_prompts():
            found = [
                {"name": p["name"], "arguments": [a["name"] for a in p.get("arguments") or []]}
                for p in await client.list_prompts()
            ]
            return sorted(found, key=lambda p: p["name"])

        await step("list_tools", list_tools)
        await step("tool_schema", tool_schema)
        await step("list_resources", list_resources)
        await step("list_templates", list_templates)
        await step("list_prompts", list_prompts)

    async def tools(self):
        client, step, call = self.client, self.step, self.client.call_tool

        async def echo(message):
            return plain(await call("echo", {"message": message}))

        async def echo_long():
            message = "ab⚓" * 50_000
            return await echo(message) == message

        async def add():
            result = await call("add", {"a": 1, "b": 2})
            return {"text": plain(result), "structured": result.get("structuredContent")}

        async def calculate():
            return plain(await call("calculate", {"expression": "2 * (3 + 4)"}))

        async def calculate_bad():
            return refusal(await call("calculate", {"expression": "2 * (3 +"}))

        async def picture():
            return [
                {"type": b["type"], "mime": b.get("mimeType"), "png": "data" in b and is_png(b["data"])}
                for b in (await call("picture", {}))["content"]
            ]

        async def sound():
            return [
                {
                    "type": b["type"],
                    "mime": b["mimeType"].split("/")[0] if "mimeType" in b else None,
                    "bytes": len(b.get("data", "")) > 0,
                }
                for b in (await call("sound", {}))["content"]
            ]

        async def embedded():
            found = []
            for block in (await call("embedded", {}))["content"]:
                inner = block.get("resource") or {}
                body = inner.get("text") or inner.get("blob")
                found.append({"type": block["type"], "uri": bool(inner.get("uri")), "body": bool(body)})
            return found

        async def link():
            return [
                {"type": b["type"], "uri": bool(b.get("uri")), "named": bool(b.get("name"))}
                for b in (await call("link", {}))["content"]
            ]

        async def fail():
            return plain(await call("fail", {}))

        async def unknown_tool():
            return await self.code(call("no_such_tool", {}))

        async def wrong_argument():
            return refusal(await call("add", {"a": "one", "b": 2}))

        async def missing_argument():
            return refusal(await call("add", {"a": 1}))

        async def parallel():
            answers = {}

            async def one(i):
                answers[i] = await echo(f"word {i}")

            async with anyio.create_task_group() as group:
                for i in range(24):
                    group.start_soon(one, i)
            return answers == {i: f"word {i}" for i in range(24)}

        await step("echo", lambda: echo("Ahoy, wharf ⚓"))
        await step("echo_lines", lambda: echo("one\ntwo\r\nthree\u2028four\u0000end"))
        await step("echo_long", echo_long)
        await step("add", add)
        await step("calculate", calculate)
        await step("calculate_bad", calculate_bad)
        await step("picture", picture)
        await step("sound", sound)
        await step("embedded", embedded)
        await step("link", link)
        await step("fail", fail)
        await step("unknown_tool", unknown_tool)
        await step("wrong_argument", wrong_argument)
        await step("missing_argument", missing_argument)
        await step("parallel", parallel)

    async def resources_and_prompts(self):
        client, step = self.client, self.step

        async def read(uri):
            return (await client.read_resource(uri))["contents"]

        async def read_about():
            return [
                {"uri": c["uri"], "mime": family(c.get("mimeType")), "text": bool(c.get("text"))}
                for c in await read("wharf://about")
            ]

        async def read_logo():
            return [
                {"uri": c["uri"], "mime": family(c.get("mimeType")), "png": is_png(c.get("blob"))}
                for c in await read("wharf://logo")
            ]

        async def read_greeting():
            return [{"uri": c["uri"], "text": c.get("text")} for c in await read("greeting://Ada")]

        async def read_greeting_escaped():
            return [c.get("text") for c in await read("greeting://Ada%20L%C3%B6w")]

        async def unknown_resource():
            return await self.code(client.read_resource("wharf://no-such-thing"))

        async def prompt_review():
            code = "let x = 41 + 1;"
            return [
                {"role": m["role"], "type": m["content"]["type"], "has_code": code in m["content"]["text"]}
                for m in (await client.get_prompt("review", {"code": code}))["messages"]
            ]

        async def prompt_explain():
            messages = (await client.get_prompt("explain", {"topic": "tides", "level": "beginner"}))["messages"]
            text = "\n".join(m["content"]["text"] for m in messages)
            return {"topic": "tides" in text, "level": "beginner" in text}

        async def unknown_prompt():
            return await self.code(client.get_prompt("no_such_prompt", {}))

        async def complete(ref, name, values):
            return {v: (await client.complete(ref, name, v))["completion"]["values"] for v in values}

        async def ping():
            await client.ping()
            return True

        await step("read_about", read_about)
        await step("read_logo", read_logo)
        await step("read_greeting", read_greeting)
        await step("read_greeting_escaped", read_greeting_escaped)
        await step("unknown_resource", unknown_resource)
        await step("prompt_review", prompt_review)
        await step("prompt_explain", prompt_explain)
        await step("unknown_prompt", unknown_prompt)
        await step("complete_template", lambda: complete(("template", "greeting://{name}"), "name", ["A", "Gr", "x"]))
        await step("complete_prompt", lambda: complete(("prompt", "explain"), "level", ["", "in"]))
        if not self.modern:
            await step("ping", ping)


async def take(client):
    parser = argparse.ArgumentParser()
    parser.add_argument("--transport", choices=["stdio", "http", "sse", "ws"], required=True)
    parser.add_argument("--server", help="the command line that starts the server (stdio)")
    parser.add_argument("--url", help="the address of the server (http)")
    parser.add_argument("--revision", help="a revision, or auto, where the SDK can choose")
    parser.add_argument("--steps", help="a file of steps, to take instead of those written here")
    options = parser.parse_args()
    if (options.server if options.transport == "stdio" else options.url) is None:
        parser.error("stdio needs --server, http needs --url")
    steps = Play(client) if options.steps is not None else Steps(client)
    revision = await steps.run(options)
    document = {
        "sdk": client.sdk,
        "version": client.version,
        "transport": options.transport,
        "revision": revision,
        "results": steps.results,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def main(client):
    """Takes every step with `client` (those above, or those of a file) and prints one JSON document."""
    anyio.run(take, client)
