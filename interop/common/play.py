"""Takes the steps of a file (`../servers/steps/`) with an adapter of `steps.py`.

What came of each is printed as it is: `../run-servers` compares. This does what `play.mjs` does.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import anyio

from values import until

STEP_TIMEOUT_S = 20
WAIT_S = 3
CANCEL = {"action": "cancel"}
HEARD = ("progress", "log", "elicit", "sample", "roots", "changed", "updated")


class Play:
    """Takes the steps with one adapter and keeps what came of them."""

    def __init__(self, client):
        self.client = client
        self.results = []
        self.answer = CANCEL
        self.level = None
        self.open = {}
        self.forget()
        self.on = SimpleNamespace(
            elicit=self._elicit,
            sample=self._sample,
            roots=self._roots,
            log=lambda params: self.heard["log"].append(params),
            tools_changed=lambda: self.heard["changed"].append("tools"),
            updated=lambda uri: self.heard["updated"].append(uri),
        )

    def forget(self):
        self.heard = {kind: [] for kind in HEARD}

    async def _elicit(self, params):
        self.heard["elicit"].append(params)
        return self.answer["action"], self.answer.get("content")

    def _sample(self, params):
        self.heard["sample"].append(params)
        return "The answer is 42."

    def _roots(self):
        self.heard["roots"].append(True)
        return [("file:///home/ada/project", "project"), ("file:///tmp", None)]

    async def _progress(self, done, total, message):
        self.heard["progress"].append({"progress": done, "total": total, "message": message})

    def failure(self, error):
        refused = self.client.error_of(error)
        return {"error": refused} if refused is not None else {"threw": f"{type(error).__name__}: {error}"}

    # --- What the steps do

    async def do_info(self, _given):
        return {key: self.info[key] for key in ("revision", "capabilities", "server", "instructions")}

    async def do_list_tools(self, _given):
        return await self.client.list_tools()

    async def do_list_resources(self, _given):
        return await self.client.list_resources()

    async def do_list_templates(self, _given):
        return await self.client.list_templates()

    async def do_list_prompts(self, _given):
        return await self.client.list_prompts()

    async def do_call(self, given):
        arguments = given.get("arguments", {})
        return await self.client.call_tool(given["name"], arguments, progress=self._progress, log_level=self.level)

    async def do_parallel(self, given):
        results = [None] * len(given)

        async def one(place, params):
            try:
                results[place] = await self.do_call(params)
            except Exception as error:
                results[place] = self.failure(error)

        async with anyio.create_task_group() as group:
            for place, params in enumerate(given):
                group.start_soon(one, place, params)
        return results

    async def do_cancel(self, given, after):
        stop = anyio.Event()
        seen = {}

        async def run():
            seen["cancelled"] = await self.client.cancel_call(
                given["name"], given["arguments"], stop, progress=self._progress, log_level=self.level
            )

        async with anyio.create_task_group() as group:
            group.start_soon(run)
            began = await until(lambda: len(self.heard["progress"]) >= after, WAIT_S)
            stop.set()
        await anyio.sleep(0.3)
        self.forget()
        await anyio.sleep(0.2)
        return {"began": began, "cancelled": seen["cancelled"]}

    async def do_read(self, given):
        return await self.client.read_resource(given["uri"])

    async def do_prompt(self, given):
        return await self.client.get_prompt(given["name"], given.get("arguments"))

    async def do_complete(self, given):
        ref = given["ref"]
        of = ("template", ref["uri"]) if ref["type"] == "ref/resource" else ("prompt", ref["name"])
        return await self.client.complete(of, given["argument"]["name"], given["argument"]["value"])

    async def do_ping(self, _given):
        await self.client.ping()

    async def do_set_level(self, given):
        if self.modern:
            self.level = given["level"]
        else:
            await self.client.set_level(given["level"])

    async def do_listen_tools(self, _given):
        if self.modern:
            await self.listen("tools", tools=True, uris=[])

    async def do_subscribe(self, given):
        if self.modern:
            await self.listen(given["uri"], tools=False, uris=[given["uri"]])
        else:
            await self.client.subscribe(given["uri"])

    async def do_unsubscribe(self, given):
        if self.modern:
            await self.end_listening(given["uri"])
        else:
            await self.client.unsubscribe(given["uri"])

    async def do_close(self, _given):
        for key in [*self.open]:
            await self.end_listening(key)

    async def listen(self, key, **what):
        """Holds a subscription open in a task of its own, in which it also ends."""
        ready, stop, ended = anyio.Event(), anyio.Event(), anyio.Event()

        async def hold():
            async with self.client.listen(**what):
                ready.set()
                await stop.wait()
            ended.set()

        self.group.start_soon(hold)
        await ready.wait()
        self.open[key] = (stop, ended)

    async def end_listening(self, key):
        stop, ended = self.open.pop(key)
        stop.set()
        await ended.wait()

    # --- The steps

    async def step(self, step):
        self.forget()
        self.answer = step.get("answer", CANCEL)
        began = time.monotonic()
        more = {"after": step["after"]} if "after" in step else {}
        try:
            with anyio.fail_after(STEP_TIMEOUT_S):
                outcome = {"result": await getattr(self, f"do_{step['do']}")(step.get("with"), **more)}
        except Exception as error:  # a failing step is a result, and the next one is still taken
            outcome = self.failure(error)
        wait = step.get("wait", {})
        await until(lambda: all(len(self.heard[kind]) >= count for kind, count in wait.items()), WAIT_S)
        await anyio.sleep(step.get("settle_ms", 0) / 1000)
        heard = {kind: all_ for kind, all_ in self.heard.items() if all_ and kind not in step.get("quiet", [])}
        self.results.append({"name": step["name"], **outcome, **({"heard": heard} if heard else {})})
        if os.environ.get("INTEROP_TRACE"):
            print(f"{step['name']}: {(time.monotonic() - began) * 1000:.0f} ms", file=sys.stderr)

    async def run(self, options):
        """Takes every step of the file; gives the revision, if there is a connection."""
        steps = json.loads(Path(options.steps).read_text())
        self.info = None
        try:
            async with self.client.connect(options, self.on) as self.info, anyio.create_task_group() as self.group:
                self.modern = self.info["era"] == "modern"
                for step in steps:
                    if all(self.info[what] in among for what, among in step.get("when", {}).items()):
                        await self.step(step)
        except Exception as error:
            # What goes wrong at the end belongs to the closing, whose step was the last.
            place = self.results[-1:] or [{"name": "info"}]
            place[0].pop("result", None)
            place[0].update(self.failure(error))
            self.results[-1:] = place
        return self.info["revision"] if self.info is not None else None
