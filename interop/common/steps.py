"""The steps that both Python clients take, written against a small adapter.

The two SDK generations differ only in `py1/client.py` and `py2/client.py`; this
module imports no SDK. The steps and what they print are those of `steps.mjs`.

An adapter is an object with

* `sdk`, `version`;
* `connect(options, on)`: an async context manager that yields a dictionary with
  `revision`, `era` ("legacy" or "modern"), `capabilities` (None: not known) and `server_name`;
* `list_tools`, `list_resources`, `list_templates`, `list_prompts`: every page, as a list;
* `call_tool(name, arguments, progress=, log_level=)`, `read_resource(uri)`,
  `get_prompt(name, arguments)`, `complete(ref, name, value)`: the result as on the wire;
* `cancel_call(name, arguments, stop, log_level=)`: calls the tool, and cancels the call once
  the event `stop` is set; says whether the call ended without a result;
* legacy: `ping`, `set_level`, `subscribe`, `unsubscribe`; modern: `listen(tools=, uris=)`,
  an async context manager;
* `code_of(error)`: the code of a protocol error, or None.

`on` holds what answers the server: `elicit`, `sample`, `roots`, `log`,
`tools_changed`, `updated`.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import time
from types import SimpleNamespace

import anyio

STEP_TIMEOUT_S = 20
LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"
MODERN = "2026-07-28"


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


class Steps:
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
            log=lambda params: self.logs.append(params),
            tools_changed=self._tools_changed,
            updated=lambda uri: self.updated.append(uri),
        )

    async def _elicit(self, schema):
        asked = list((schema or {}).get("properties", {}))
        self.elicited.append(asked)
        return await self.answer(asked)

    def _sample(self, role, text):
        self.sampled.append({"role": role, "text": text})
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
            if (code := self.client.code_of(error)) is not None:
                self.results[name]["code"] = code
        if os.environ.get("INTEROP_TRACE"):
            print(f"{name}: {(time.monotonic() - started) * 1000:.0f} ms", file=sys.stderr)

    async def code(self, work):
        """The protocol error that `work` ends with, as its code."""
        try:
            await work
        except Exception as error:
            return {"code": self.client.code_of(error) or str(error)}
        return {"code": None}

    async def run(self, info):
        self.modern = info["era"] == "modern"
        capabilities = info["capabilities"]

        async def named():
            return {"server_named": bool(info["server_name"])}

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
        await self.changes()

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

    async def progress_and_logs(self):
        client, step = self.client, self.step

        async def progress():
            steps = []

            async def on_progress(done, total, _message):
                steps.append([done, total])

            result = await client.call_tool("countdown", {"from": 3, "interval_ms": 20}, progress=on_progress)
            await until(lambda: len(steps) >= 3, 0.5)
            return {"text": plain(result), "steps": steps}

        async def logged(level):
            # Messages of the step before can still be on their way through the SDK.
            await anyio.sleep(0.05)
            self.logs.clear()
            if not self.modern:
                await client.set_level(level)
            asked = level if self.modern and level != "none" else None
            await client.call_tool("countdown", {"from": 2, "interval_ms": 10}, log_level=asked)
            await until(lambda: len(self.logs) >= 2, 0.3)
            return list(self.logs)

        async def cancel():
            if not self.modern:
                await client.set_level("info")
            self.logs.clear()
            seen = {}
            stop = anyio.Event()

            async def run():
                seen["cancelled"] = await client.cancel_call(
                    "countdown", {"from": 500, "interval_ms": 20}, stop, log_level="info" if self.modern else None
                )

            async with anyio.create_task_group() as group:
                group.start_soon(run)
                began = await until(lambda: len(self.logs) >= 2, 3)
                stop.set()
            await anyio.sleep(0.3)
            before = len(self.logs)
            await anyio.sleep(0.3)
            quiet = len(self.logs) == before
            alive = plain(await client.call_tool("echo", {"message": "still here"}))
            return {"began": began, "cancelled": seen["cancelled"], "quiet": quiet, "alive": alive}

        async def not_blocked():
            order = []

            async def one(name, arguments):
                await client.call_tool(name, arguments)
                order.append(name)

            async with anyio.create_task_group() as group:
                group.start_soon(one, "countdown", {"from": 20, "interval_ms": 20})
                await anyio.sleep(0.05)
                group.start_soon(one, "echo", {"message": "quick"})
            return order

        await step("progress", progress)
        await step("log_info", lambda: logged("info"))
        await step("log_error_only", lambda: logged("error"))
        if self.modern:
            await step("log_unasked", lambda: logged("none"))
        await step("cancel", cancel)
        await step("not_blocked", not_blocked)

    async def asks(self):
        client, step = self.client, self.step

        async def greet(action, content=None):
            self._always(action, content)
            self.elicited.clear()
            text = plain(await client.call_tool("greet_me", {}))
            return {"text": text, "asked": [name for asked in self.elicited for name in asked]}

        async def two_questions():
            self.elicited.clear()
            open_together = []

            async def answer(asked):
                # Keep this one open until the other is here too.
                open_together.append(await until(lambda: len(self.elicited) >= 2, 2))
                return "accept", {"name": "Ada"} if "name" in asked else {"colour": "blue"}

            self.answer = answer
            text = plain(await client.call_tool("two_questions", {}))
            asked = sorted(name for asked in self.elicited for name in asked)
            return {"text": text, "asked": asked, "both_open": all(open_together)}

        async def sampling():
            self.sampled.clear()
            question = "What is six times seven?"
            text = plain(await client.call_tool("ask_model", {"question": question}))
            asked = [{"role": m["role"], "has_question": question in m["text"]} for m in self.sampled]
            return {"text": text, "asked": asked}

        async def roots():
            return plain(await client.call_tool("where_am_i", {}))

        await step("elicit_accept", lambda: greet("accept", {"name": "Ada"}))
        await step("elicit_decline", lambda: greet("decline"))
        await step("elicit_cancel", lambda: greet("cancel"))
        await step("two_questions", two_questions)
        await step("sampling", sampling)
        await step("roots", roots)

    async def changes(self):
        client, step = self.client, self.step

        async def list_changed():
            before = self.tools_changed

            async def change():
                await client.call_tool("add_tool", {"name": "extra"})
                notified = await until(lambda: self.tools_changed > before, 3)
                listed = any(t["name"] == "extra" for t in await client.list_tools())
                return {"notified": notified, "listed": listed}

            if not self.modern:
                return await change()
            async with client.listen(tools=True, uris=[]):
                return await change()

        async def resource_updated():
            self.updated.clear()
            uri = "wharf://about"

            async def touch():
                await client.call_tool("touch", {"uri": "wharf://logo"})
                await client.call_tool("touch", {"uri": uri})
                await until(lambda: len(self.updated) >= 1, 3)
                await anyio.sleep(0.2)
                return list(self.updated)

            if self.modern:
                async with client.listen(tools=False, uris=[uri]):
                    updated = await touch()
                await anyio.sleep(0.2)
            else:
                await client.subscribe(uri)
                updated = await touch()
                await client.unsubscribe(uri)
            await client.call_tool("touch", {"uri": uri})
            await anyio.sleep(0.4)
            return {"updated": updated, "after_end": len(self.updated) - len(updated)}

        await step("list_changed", list_changed)
        await step("resource_updated", resource_updated)


async def take(client):
    parser = argparse.ArgumentParser()
    parser.add_argument("--transport", choices=["stdio", "http"], required=True)
    parser.add_argument("--server", help="the command line that starts the server (stdio)")
    parser.add_argument("--url", help="the address of the server (http)")
    parser.add_argument("--revision", help="a revision, or auto, where the SDK can choose")
    options = parser.parse_args()
    if (options.server if options.transport == "stdio" else options.url) is None:
        parser.error("stdio needs --server, http needs --url")
    steps = Steps(client)
    revision = None
    entered = False
    try:
        async with client.connect(options, steps.on) as info:
            entered = True
            revision = info["revision"]
            await steps.run(info)
            started = time.monotonic()
        # The SDKs give a server two seconds to end by itself, and then end it.
        steps.results["close"] = "in time" if time.monotonic() - started < 1.5 else "late"
    except Exception as error:
        steps.results["close" if entered else "connect"] = {"threw": repr(error)}
    document = {
        "sdk": client.sdk,
        "version": client.version,
        "transport": options.transport,
        "revision": revision,
        "results": steps.results,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def main(client):
    """Takes every step with `client` and prints one JSON document."""
    anyio.run(take, client)
