"""The steps that look at what happens while a call runs, and at changes at run time."""

from __future__ import annotations

import anyio

from values import plain, until


class Live:
    """A part of `steps.Steps`, whose attributes it uses."""

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

    async def tasks(self):
        client, step = self.client, self.step
        if not hasattr(client, "call_task"):
            return

        async def asked():
            self._always("accept", {"name": "Ada"})
            return await client.call_task("survey", {"ask": True})

        await step("task", lambda: client.call_task("survey", {"ask": False}))
        await step("task_ask", asked)
        await step("task_cancel", lambda: client.cancel_task("survey", {"ask": True}))

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
