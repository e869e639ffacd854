// The TypeScript SDK on node:http and stdio. A stateless request gets a fresh server from the
// factory, as the SDK prescribes; a session keeps its own server and transport.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

const { values } = parseArgs({
    options: {
        http: { type: 'string' },
        stdio: { type: 'boolean' },
        sessions: { type: 'boolean' },
        tools: { type: 'string', default: '2' },
    },
});

const big = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n'.repeat(1 << 14);
const addSchema = z.object({ a: z.int(), b: z.int() });
const fillerSchema = z.object({ name: z.string(), limit: z.int() });
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const names = Array.from({ length: Math.max(0, Number(values.tools) - 2) }, (_, n) => `filler_${String(n + 2).padStart(4, '0')}`);

function factory() {
    const server = new McpServer({ name: 'peer-typescript', version: '0.1.0' });
    server.registerTool('add', { description: 'Add two numbers.', inputSchema: addSchema }, async ({ a, b }) => text(String(a + b)));
    server.registerTool('big', { description: 'One mebibyte of text.' }, async () => text(big));
    for (const name of names) {
        const description = 'Look up a record by its name and return at most the given number of matches.';
        server.registerTool(name, { description, inputSchema: fillerSchema }, async () => text('nothing'));
    }
    return server;
}

const sessions = new Map();

async function withSession(req, res) {
    const id = req.headers['mcp-session-id'];
    let transport = id === undefined ? undefined : sessions.get(id);
    if (transport === undefined) {
        if (id !== undefined) {
            res.writeHead(404, { 'content-length': 0 }).end();
            return;
        }
        transport = new NodeStreamableHTTPServerTransport({
            sessionIdGenerator: randomUUID,
            enableJsonResponse: true,
            onsessioninitialized: (fresh) => void sessions.set(fresh, transport),
        });
        await factory().connect(transport);
    }
    await transport.handleRequest(req, res);
}

if (values.http === undefined) {
    serveStdio(factory);
} else {
    const [host, port] = values.http.split(':');
    const stateless = toNodeHandler(createMcpHandler(factory, { responseMode: 'json', legacy: 'reject' }));
    const handler = values.sessions ? withSession : stateless;
    createServer((req, res) => void handler(req, res)).listen(Number(port), host, 16384);
}
