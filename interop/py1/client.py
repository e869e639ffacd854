"""Drives a server with the client of the Python MCP SDK 1.x.

The SDK always offers its newest revision (2025-11-25): there is no choice.
"""

import importlib.metadata
import sys
import warnings
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.websocket import websocket_client
from pydantic import AnyUrl

sys.path.insert(0, str(Path(__file__).parent.parent / "common"))
import steps  # noqa: E402


def wire(model):
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def transport_to(options):
    if options.transport == "http":
        return streamable_http_client(options.url)
    if options.transport == "sse":
        return sse_client(options.url)
    if options.transport == "ws":
        with warnings.catch_warnings():
            # The SDK's next generation does without it.
            warnings.simplefilter("ignore", DeprecationWarning)
            return websocket_client(options.url)
    command, *arguments = options.server.split(" ")
    return stdio_client(StdioServerParameters(command=command, args=arguments))


class Client:
    sdk = "mcp (Python) 1.x"
    version = importlib.metadata.version("mcp")

    @asynccontextmanager
    async def connect(self, options, on):
        async def elicit(_context, params):
            action, content = await on.elicit(wire(params))
            return types.ElicitResult(action=action, content=content)

        async def sample(_context, params):
            answer = on.sample(wire(params))
            return types.CreateMessageResult(
                role="assistant",
                model="interop-model",
                stopReason="endTurn",
                content=types.TextContent(type="text", text=answer),
            )

        async def roots(_context):
            return types.ListRootsResult(roots=[types.Root(uri=uri, name=name) for uri, name in on.roots()])

        async def log(params):
            on.log(wire(params))

        async def message(received):
            if isinstance(received, types.ServerNotification):
                if isinstance(received.root, types.ToolListChangedNotification):
                    on.tools_changed()
                elif isinstance(received.root, types.ResourceUpdatedNotification):
                    on.updated(str(received.root.params.uri))

        async with transport_to(options) as (read, write, *_), ClientSession(
            read,
            write,
            sampling_callback=sample,
            elicitation_callback=elicit,
            list_roots_callback=roots,
            logging_callback=log,
            message_handler=message,
            client_info=types.Implementation(name="wharf-interop-py1", version="0"),
        ) as session:
            self.session = session
            result = await session.initialize()
            yield {
                "revision": result.protocolVersion,
                "era": "legacy",
                "capabilities": wire(result.capabilities),
                "server": wire(result.serverInfo),
                "instructions": result.instructions,
            }

    async def _pages(self, list_page, field):
        found, cursor = [], None
        while True:
            page = wire(await list_page(params=types.PaginatedRequestParams(cursor=cursor)))
            found.extend(page[field])
            cursor = page.get("nextCursor")
            if cursor is None:
                return found

    async def list_tools(self):
        return await self._pages(self.session.list_tools, "tools")

    async def list_resources(self):
        return await self._pages(self.session.list_resources, "resources")

    async def list_templates(self):
        return await self._pages(self.session.list_resource_templates, "resourceTemplates")

    async def list_prompts(self):
        return await self._pages(self.session.list_prompts, "prompts")

    async def call_tool(self, name, arguments, progress=None, log_level=None):
        return wire(await self.session.call_tool(name, arguments, progress_callback=progress))

    async def call_task(self, name, arguments):
        tasks = self.session.experimental
        created = (await tasks.call_tool_as_task(name, arguments)).task
        result = await tasks.get_task_result(created.taskId, types.CallToolResult)
        return {"created": created.status, "text": result.content[0].text}

    async def cancel_task(self, name, arguments):
        tasks = self.session.experimental
        created = (await tasks.call_tool_as_task(name, arguments)).task
        await tasks.cancel_task(created.taskId)
        return (await tasks.get_task(created.taskId)).status

    async def cancel_call(self, name, arguments, stop, progress=None, log_level=None):
        # The SDK does not tell the server when an awaited call is cancelled, and does
        # not give the id of a request away; the next id is the only private thing used.
        request_id = self.session._request_id
        finished = []

        async def run(scope):
            with scope:
                await self.session.call_tool(name, arguments, progress_callback=progress)
                finished.append(True)

        async with anyio.create_task_group() as group:
            scope = anyio.CancelScope()
            group.start_soon(run, scope)
            await stop.wait()
            await self.session.send_notification(
                types.ClientNotification(
                    types.CancelledNotification(
                        params=types.CancelledNotificationParams(requestId=request_id, reason="interop: enough")
                    )
                )
            )
            scope.cancel()
        return not finished

    async def read_resource(self, uri):
        return wire(await self.session.read_resource(AnyUrl(uri)))

    async def get_prompt(self, name, arguments):
        return wire(await self.session.get_prompt(name, arguments))

    async def complete(self, ref, name, value):
        kind, target = ref
        if kind == "template":
            reference = types.ResourceTemplateReference(type="ref/resource", uri=target)
        else:
            reference = types.PromptReference(type="ref/prompt", name=target)
        return wire(await self.session.complete(reference, {"name": name, "value": value}))

    async def ping(self):
        await self.session.send_ping()

    async def set_level(self, level):
        await self.session.set_logging_level(level)

    async def subscribe(self, uri):
        await self.session.subscribe_resource(AnyUrl(uri))

    async def unsubscribe(self, uri):
        await self.session.unsubscribe_resource(AnyUrl(uri))

    @asynccontextmanager
    async def undeclared(self, options):
        async with transport_to(options) as (read, write, *_), ClientSession(read, write) as session:
            await session.initialize()

            async def call(name):
                return wire(await session.call_tool(name, {}))

            yield call

    def error_of(self, error):
        return wire(error.error) if isinstance(error, McpError) else None


steps.main(Client())
