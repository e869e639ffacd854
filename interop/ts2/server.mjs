// The server of `../servers/offer.json`, with the TypeScript MCP SDK 2.x.
// `--stdio`, or `--http HOST:PORT` with Streamable HTTP at /mcp and HTTP+SSE at /sse.

import { randomUUID } from 'node:crypto';
import { NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest } from '@modelcontextprotocol/node';
import { Server, createMcpHandler, inputRequired, isLegacyRequest } from '@modelcontextprotocol/server';
import { SSEServerTransport } from '@modelcontextprotocol/server-legacy/sse';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as offered from '../common/offer.mjs';

const { offer } = offered;

function newServer() {
    const server = new Server(offer.server, { capabilities: offered.capabilities, instructions: offer.instructions });
    const subscribed = new Set();
    const on = (method, work) => server.setRequestHandler(method, async (request, context) => work(request.params ?? {}, context));
    on('tools/list', offered.listTools);
    on('resources/list', offered.listResources);
    on('resources/templates/list', offered.listTemplates);
    on('prompts/list', offered.listPrompts);
    on('resources/read', offered.read);
    on('prompts/get', offered.prompt);
    on('completion/complete', offered.complete);
    on('resources/subscribe', ({ uri }) => (subscribed.add(uri), {}));
    on('resources/unsubscribe', ({ uri }) => (subscribed.delete(uri), {}));
    on('tools/call', (params, context) => offered.call(params, contextOf(context)));
    return { server, subscribed };
}

function contextOf({ mcpReq }) {
    const progressToken = mcpReq._meta?.progressToken;
    return {
        signal: mcpReq.signal,
        progress: async params => {
            if (progressToken === undefined) return;
            await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, ...params } });
        },
        log: (level, data) => mcpReq.log(level, data, 'offer'),
        // The SDK itself asks where the revision has requests of the server, and calls the tool again.
        ask: async inputRequests =>
            mcpReq.inputResponses ?? { pending: inputRequired({ inputRequests, requestState: `asked ⚓ ${Object.keys(inputRequests)}` }) }
    };
}

/** A server for one connection, which is told of changes as long as the connection is there. */
function connected({ era } = { era: 'legacy' }) {
    const { server, subscribed } = newServer();
    const forget = offered.listen({
        toolsChanged: () => server.sendToolListChanged(),
        // For the newer revision the SDK knows who subscribed to what.
        updated: uri => (era === 'modern' || subscribed.has(uri)) && server.sendResourceUpdated({ uri })
    });
    server.onclose = forget;
    return server;
}

const sessions = new Map();
const modern = createMcpHandler(() => newServer().server, { legacy: 'reject' });
const handleModern = toNodeHandler(modern);
offered.listen({ toolsChanged: () => modern.notify.toolsChanged(), updated: uri => modern.notify.resourceUpdated(uri) });

async function handle(request, response, path) {
    const url = new URL(request.url, 'http://x');
    const session = sessions.get(request.headers['mcp-session-id'] ?? url.searchParams.get('sessionId'));
    if (path === '/sse' && request.method === 'GET') {
        const transport = new SSEServerTransport('/messages', response);
        sessions.set(transport.sessionId, transport);
        return connected().connect(transport);
    }
    if (path === '/messages' && session) return session.handlePostMessage(request, response);
    if (path !== '/mcp') return void response.writeHead(404).end();
    if (session) return session.handleRequest(request, response);
    if (request.headers['mcp-session-id']) return void response.writeHead(404).end();
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
    if (!(await isLegacyRequest(await toWebRequest(request, body), body))) return handleModern(request, response, body);
    const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: id => void sessions.set(id, transport)
    });
    await connected().connect(transport);
    return transport.handleRequest(request, response, body);
}

if (process.argv[2] === '--http') offered.serveHttp(handle);
else serveStdio(connected);
