"""Drives a server with the client of the Python MCP SDK 2.x.

`--revision` is `2025-11-25` (the `initialize` handshake, in which the SDK always
offers its newest legacy revision), `2026-07-28` (used at once, without asking) or
`auto` (asks with `server/discover` and falls back).
"""

import importlib.metadata
import sys
import warnings
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import mcp_types as types
from mcp import Client as SdkClient
from mcp import StdioServerParameters
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.subscriptions import ResourceUpdated, ToolsListChanged

sys.path.insert(0, str(Path(__file__).parent.parent / "common"))
import steps  # noqa: E402

# Sampling, roots and logging are deprecated, and are what is looked at here.
warnings.simplefilter("ignore", MCPDeprecationWarning)


def wire(model):
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def server_and_mode(options):
    """What the SDK's client is told: where the server is, and how to agree on a revision."""
    mode = {None: "auto", "auto": "auto", steps.MODERN: steps.MODERN}.get(options.revision, "legacy")
    if options.transport == "http":
        return options.url, mode
    if options.transport == "sse":
        return sse_client(options.url), mode
    command, *arguments = options.server.split(" ")
    return StdioServerParameters(command=command, args=arguments), mode


class Client:
    sdk = "mcp (Python) 2.x"
    version = importlib.metadata.version("mcp")

    @asynccontextmanager
    async def connect(self, options, on):
        self.on = on

        async def elicit(_context, params):
            action, content = await on.elicit(wire(params))
            return types.ElicitResult(action=action, content=content)

        async def sample(_context, params):
            answer = on.sample(wire(params))
            return types.CreateMessageResult(
                role="assistant",
                model="interop-model",
                stop_reason="endTurn",
                content=types.TextContent(type="text", text=answer),
            )

        async def roots(_context):
            return types.ListRootsResult(roots=[types.Root(uri=uri, name=name) for uri, name in on.roots()])

        async def log(params):
            on.log(wire(params))

        async def message(received):
            # On a modern connection these come through the subscription instead.
            if self.era == "legacy":
                if isinstance(received, types.ToolListChangedNotification):
                    on.tools_changed()
                elif isinstance(received, types.ResourceUpdatedNotification):
                    on.updated(str(received.params.uri))

        server, mode = server_and_mode(options)
        self.era = "legacy" if mode == "legacy" else "modern"
        async with SdkClient(
            server,
            mode=mode,
            sampling_callback=sample,
            elicitation_callback=elicit,
            list_roots_callback=roots,
            logging_callback=log,
            message_handler=message,
            client_info=types.Implementation(name="wharf-interop-py2", version="0"),
        ) as client:
            self.client = client
            self.era = "modern" if client.protocol_version >= steps.MODERN else "legacy"
            yield {
                "revision": client.protocol_version,
                "era": self.era,
                # Told the revision, the SDK asks nothing, and makes up an empty answer.
                "capabilities": None if mode == steps.MODERN else wire(client.server_capabilities),
                "server": wire(client.server_info) if client.server_info is not None else None,
                "instructions": client.instructions,
            }

    async def _pages(self, list_page, field):
        found, cursor = [], None
        while True:
            page = wire(await list_page(cursor=cursor))
            found.extend(page[field])
            cursor = page.get("nextCursor")
            if cursor is None:
                return found

    async def list_tools(self):
        return await self._pages(self.client.list_tools, "tools")

    async def list_resources(self):
        return await self._pages(self.client.list_resources, "resources")

    async def list_templates(self):
        return await self._pages(self.client.list_resource_templates, "resourceTemplates")

    async def list_prompts(self):
        return await self._pages(self.client.list_prompts, "prompts")

    async def call_tool(self, name, arguments, progress=None, log_level=None):
        meta = None if log_level is None else {steps.LOG_LEVEL_KEY: log_level}
        return wire(await self.client.call_tool(name, arguments, progress_callback=progress, meta=meta))

    async def cancel_call(self, name, arguments, stop, progress=None, log_level=None):
        finished = []

        async def run(scope):
            with scope:
                await self.call_tool(name, arguments, progress, log_level)
                finished.append(True)

        async with anyio.create_task_group() as group:
            scope = anyio.CancelScope()
            group.start_soon(run, scope)
            await stop.wait()
            # The SDK turns this into what the revision and the transport want.
            scope.cancel()
        return not finished

    async def read_resource(self, uri):
        return wire(await self.client.read_resource(uri))

    async def get_prompt(self, name, arguments):
        return wire(await self.client.get_prompt(name, arguments))

    async def complete(self, ref, name, value):
        kind, target = ref
        if kind == "template":
            reference = types.ResourceTemplateReference(uri=target)
        else:
            reference = types.PromptReference(name=target)
        return wire(await self.client.complete(reference, {"name": name, "value": value}))

    async def ping(self):
        await self.client.send_ping()

    async def set_level(self, level):
        await self.client.set_logging_level(level)

    async def subscribe(self, uri):
        await self.client.subscribe_resource(uri)

    async def unsubscribe(self, uri):
        await self.client.unsubscribe_resource(uri)

    @asynccontextmanager
    async def listen(self, tools, uris):
        async def follow(subscription):
            async for event in subscription:
                if isinstance(event, ToolsListChanged):
                    self.on.tools_changed()
                elif isinstance(event, ResourceUpdated):
                    self.on.updated(event.uri)

        async with (
            self.client.listen(tools_list_changed=tools, resource_subscriptions=uris) as subscription,
            anyio.create_task_group() as group,
        ):
            group.start_soon(follow, subscription)
            yield
            group.cancel_scope.cancel()

    @asynccontextmanager
    async def undeclared(self, options):
        server, mode = server_and_mode(options)
        async with SdkClient(server, mode=mode) as client:

            async def call(name):
                return wire(await client.call_tool(name, {}))

            yield call

    def error_of(self, error):
        return wire(error.error) if isinstance(error, MCPError) else None


steps.main(Client())
