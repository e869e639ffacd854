// Drives a server with the client of the TypeScript MCP SDK 1.x.
// The SDK always offers its newest revision (2025-11-25): there is no choice.

import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema,
    ResourceUpdatedNotificationSchema,
    ToolListChangedNotificationSchema
} from '@modelcontextprotocol/sdk/types.js';
import { main } from '../common/steps.mjs';

// The manifest of the package itself: the one that its exports lead to names only the module type.
const manifest = new URL('node_modules/@modelcontextprotocol/sdk/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

const client = new Client(
    { name: 'wharf-interop-ts1', version: '0' },
    { capabilities: { elicitation: { form: { applyDefaults: true }, url: {} }, sampling: {}, roots: { listChanged: true } } }
);
let transport;

async function pages(list, field) {
    const all = [];
    let cursor;
    do {
        const page = await list(cursor === undefined ? undefined : { cursor });
        all.push(...page[field]);
        cursor = page.nextCursor;
    } while (cursor !== undefined);
    return all;
}

function transportTo(options) {
    if (options.transport === 'http') return new StreamableHTTPClientTransport(new URL(options.url));
    if (options.transport === 'sse') return new SSEClientTransport(new URL(options.url));
    if (options.transport === 'ws') return new WebSocketClientTransport(new URL(options.url));
    const [command, ...args] = options.server.split(' ');
    return new StdioClientTransport({ command, args, stderr: 'inherit' });
}

await main({
    sdk: '@modelcontextprotocol/sdk',
    version,
    async connect(options, on) {
        client.setRequestHandler(ElicitRequestSchema, request => on.elicit(request.params));
        client.setRequestHandler(CreateMessageRequestSchema, request => on.sample(request.params));
        client.setRequestHandler(ListRootsRequestSchema, () => on.roots());
        client.setNotificationHandler(LoggingMessageNotificationSchema, n => void on.log(n.params));
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => void on.toolsChanged());
        client.setNotificationHandler(ResourceUpdatedNotificationSchema, n => void on.updated(n.params));
        transport = transportTo(options);
        if (options.transport !== 'http') {
            // Only the HTTP transport lets the agreed revision be read; here it is told to us.
            const tell = transport.setProtocolVersion?.bind(transport);
            transport.setProtocolVersion = agreed => {
                transport.agreed = agreed;
                tell?.(agreed);
            };
        }
        await client.connect(transport);
        return {
            revision: transport.agreed ?? transport.protocolVersion,
            era: 'legacy',
            capabilities: client.getServerCapabilities(),
            server: client.getServerVersion(),
            instructions: client.getInstructions()
        };
    },
    listTools: () => pages(p => client.listTools(p), 'tools'),
    listResources: () => pages(p => client.listResources(p), 'resources'),
    listTemplates: () => pages(p => client.listResourceTemplates(p), 'resourceTemplates'),
    listPrompts: () => pages(p => client.listPrompts(p), 'prompts'),
    async callTask(name, args) {
        const seen = {};
        for await (const message of client.experimental.tasks.callToolStream({ name, arguments: args }, undefined, { task: { ttl: 60_000 } })) {
            if (message.type === 'taskCreated') seen.created = message.task.status;
            if (message.type === 'result') seen.text = message.result.content[0].text;
            if (message.type === 'error') throw message.error;
        }
        return seen;
    },
    async cancelTask(name, args) {
        for await (const message of client.experimental.tasks.callToolStream({ name, arguments: args }, undefined, { task: {} })) {
            if (message.type !== 'taskCreated') continue;
            await client.experimental.tasks.cancelTask(message.task.taskId);
            return (await client.experimental.tasks.getTask(message.task.taskId)).status;
        }
    },
    callTool: (name, args, { onprogress, signal } = {}) =>
        client.callTool({ name, arguments: args }, undefined, { onprogress, signal }),
    readResource: uri => client.readResource({ uri }),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    complete: (ref, argument) => client.complete({ ref, argument }),
    ping: () => client.ping(),
    setLevel: level => client.setLoggingLevel(level),
    subscribe: uri => client.subscribeResource({ uri }),
    unsubscribe: uri => client.unsubscribeResource({ uri }),
    async undeclared(options) {
        const other = new Client({ name: 'wharf-interop-ts1-bare', version: '0' });
        await other.connect(transportTo(options));
        return { call: name => other.callTool({ name, arguments: {} }), close: () => other.close() };
    },
    async close() {
        if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
        await client.close();
    }
});
