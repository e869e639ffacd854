"""The server of `../servers/offer.json`, with the Python MCP SDK 1.x.

`--stdio`, or `--http HOST:PORT` with Streamable HTTP at /mcp, HTTP+SSE at /sse and WebSocket at /ws.
"""

import contextlib
import sys
import warnings
from pathlib import Path

import anyio
from mcp import McpError, types
from mcp.server.lowlevel import Server
from mcp.server.models import InitializationOptions
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.websocket import websocket_server
from mcp.shared.message import ServerMessageMetadata
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

sys.path.insert(0, str(Path(__file__).parent.parent / "common"))
from offer import OFFER, Offered, Refusal, serve  # noqa: E402

offered = Offered()
server = Server(OFFER["server"]["name"])
options = InitializationOptions(
    server_name=OFFER["server"]["name"],
    server_version=OFFER["server"]["version"],
    instructions=OFFER["instructions"],
    capabilities=types.ServerCapabilities(
        completions=types.CompletionsCapability(),
        logging=types.LoggingCapability(),
        prompts=types.PromptsCapability(listChanged=True),
        resources=types.ResourcesCapability(listChanged=True, subscribe=True),
        tools=types.ToolsCapability(listChanged=True),
    ),
)
server.create_initialization_options = lambda *_: options

ANSWERS = {
    "elicitation/create": (types.ElicitRequest, types.ElicitResult),
    "sampling/createMessage": (types.CreateMessageRequest, types.CreateMessageResult),
    "roots/list": (types.ListRootsRequest, types.ListRootsResult),
}


class Context:
    """What a tool may do while it runs."""

    def __init__(self, request):
        self.session = request.session
        self.id = request.request_id
        self.token = request.meta.progressToken if request.meta is not None else None

    async def progress(self, done, total, message):
        if self.token is not None:
            await self.session.send_progress_notification(self.token, done, total, message, related_request_id=self.id)

    async def log(self, level, data):
        if offered.noisy(level):
            await self.session.send_log_message(level, data, "offer", related_request_id=self.id)

    async def tools_changed(self):
        await self.session.send_tool_list_changed()

    async def updated(self, uri):
        if uri in offered.subscribed:
            await self.session.send_resource_updated(uri)

    async def ask(self, requests):
        answers = {}
        for key, request in requests.items():
            asked, answered = ANSWERS[request["method"]]
            result = await self.session.send_request(
                types.ServerRequest(asked.model_validate(request)),
                answered,
                metadata=ServerMessageMetadata(related_request_id=self.id),
            )
            answers[key] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        return answers


def on(kind, result, work):
    """Answers requests of a kind with what `work` gives for their params, as `result`."""

    async def handle(request):
        try:
            given = work(request.params)
            return types.ServerResult(result.model_validate(await given if hasattr(given, "__await__") else given))
        except Refusal as refusal:
            error = types.ErrorData(code=refusal.code, message=refusal.message, data=refusal.data)
            raise McpError(error) from refusal

    server.request_handlers[kind] = handle


def cursor(params):
    return params.cursor if params is not None else None


def level(params):
    offered.level = params.level
    return {}


def subscribe(params):
    offered.subscribed.add(str(params.uri))
    return {}


def unsubscribe(params):
    offered.subscribed.discard(str(params.uri))
    return {}


def call(params):
    return offered.call(params.name, params.arguments or {}, Context(server.request_context))


on(types.ListToolsRequest, types.ListToolsResult, lambda p: offered.tools(cursor(p)))
on(types.ListResourcesRequest, types.ListResourcesResult, lambda p: offered.resources(cursor(p)))
on(types.ListResourceTemplatesRequest, types.ListResourceTemplatesResult, lambda p: offered.templates(cursor(p)))
on(types.ListPromptsRequest, types.ListPromptsResult, lambda p: offered.prompts(cursor(p)))
on(types.ReadResourceRequest, types.ReadResourceResult, lambda p: offered.read(str(p.uri)))
on(types.GetPromptRequest, types.GetPromptResult, lambda p: offered.prompt(p.name, p.arguments or {}))
on(
    types.CompleteRequest,
    types.CompleteResult,
    lambda p: offered.complete(getattr(p.ref, "uri", None) or p.ref.name, p.argument.name, p.argument.value),
)
on(types.SetLevelRequest, types.EmptyResult, level)
on(types.SubscribeRequest, types.EmptyResult, subscribe)
on(types.UnsubscribeRequest, types.EmptyResult, unsubscribe)
on(types.CallToolRequest, types.CallToolResult, call)


def web():
    manager = StreamableHTTPSessionManager(server)
    events = SseServerTransport("/messages/")

    async def sse(request):
        async with events.connect_sse(request.scope, request.receive, request._send) as (read, write):
            await server.run(read, write, options)
        return Response()

    async def ws(socket):
        with warnings.catch_warnings():
            # The SDK's next generation does without it.
            warnings.simplefilter("ignore", DeprecationWarning)
            async with websocket_server(socket.scope, socket.receive, socket.send) as (read, write):
                await server.run(read, write, options)

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        async with manager.run():
            yield

    async def mcp(scope, receive, send):
        await manager.handle_request(scope, receive, send)

    # An instance and not a function, so that starlette takes it as an application.
    class Endpoint:
        async def __call__(self, scope, receive, send):
            await mcp(scope, receive, send)

    return Starlette(
        routes=[
            Route("/mcp", Endpoint(), methods=["GET", "POST", "DELETE"]),
            Route("/sse", sse),
            Mount("/messages/", app=events.handle_post_message),
            WebSocketRoute("/ws", ws),
        ],
        lifespan=lifespan,
    )


async def stdio():
    async with stdio_server() as (read, write):
        await server.run(read, write, options)


if sys.argv[1] == "--http":
    serve(web())
else:
    anyio.run(stdio)
