// The server of `../servers/offer.json`, with the TypeScript MCP SDK 1.x.
// `--stdio`, or `--http HOST:PORT` with Streamable HTTP at /mcp and HTTP+SSE at /sse.

import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';
import * as offered from '../common/offer.mjs';

const { offer } = offered;
const ANSWERS = {
    'elicitation/create': types.ElicitResultSchema,
    'sampling/createMessage': types.CreateMessageResultSchema,
    'roots/list': types.ListRootsResultSchema
};

function newServer() {
    const server = new Server(offer.server, { capabilities: offered.capabilities, instructions: offer.instructions });
    const subscribed = new Set();
    let least = 'info';
    const on = (schema, work) => server.setRequestHandler(schema, (request, extra) => work(request.params ?? {}, extra));
    on(types.ListToolsRequestSchema, offered.listTools);
    on(types.ListResourcesRequestSchema, offered.listResources);
    on(types.ListResourceTemplatesRequestSchema, offered.listTemplates);
    on(types.ListPromptsRequestSchema, offered.listPrompts);
    on(types.ReadResourceRequestSchema, offered.read);
    on(types.GetPromptRequestSchema, offered.prompt);
    on(types.CompleteRequestSchema, offered.complete);
    on(types.SetLevelRequestSchema, ({ level }) => ((least = level), {}));
    on(types.SubscribeRequestSchema, ({ uri }) => (subscribed.add(uri), {}));
    on(types.UnsubscribeRequestSchema, ({ uri }) => (subscribed.delete(uri), {}));
    on(types.CallToolRequestSchema, (params, extra) => offered.call(params, contextOf(extra, () => least)));
    const forget = offered.listen({
        toolsChanged: () => server.sendToolListChanged(),
        updated: uri => subscribed.has(uri) && server.sendResourceUpdated({ uri })
    });
    server.onclose = forget;
    return server;
}

function contextOf(extra, least) {
    const progressToken = extra._meta?.progressToken;
    return {
        signal: extra.signal,
        progress: async params => {
            if (progressToken === undefined) return;
            await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, ...params } });
        },
        log: async (level, data) => {
            if (!offered.noisy(level, least())) return;
            await extra.sendNotification({ method: 'notifications/message', params: { level, logger: 'offer', data } });
        },
        ask: async requests => {
            const answers = {};
            for (const [key, request] of Object.entries(requests)) {
                answers[key] = await extra.sendRequest(request, ANSWERS[request.method]);
            }
            return answers;
        }
    };
}

const sessions = new Map();

async function handle(request, response, path) {
    const url = new URL(request.url, 'http://x');
    const session = sessions.get(request.headers['mcp-session-id'] ?? url.searchParams.get('sessionId'));
    if (path === '/sse' && request.method === 'GET') {
        const transport = new SSEServerTransport('/messages', response);
        sessions.set(transport.sessionId, transport);
        return newServer().connect(transport);
    }
    if (path === '/messages' && session) return session.handlePostMessage(request, response);
    if (path !== '/mcp') return void response.writeHead(404).end();
    if (session) return session.handleRequest(request, response);
    if (request.headers['mcp-session-id']) return void response.writeHead(404).end();
    const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: id => sessions.set(id, transport)
    });
    await newServer().connect(transport);
    return transport.handleRequest(request, response);
}

if (process.argv[2] === '--http') offered.serveHttp(handle);
else await newServer().connect(new StdioServerTransport());
