// Drives a server with the client of the TypeScript MCP SDK 2.x.
// `--revision` is a legacy revision (the only one the client then accepts), the
// modern one (pinned), or `auto` (asks with server/discover and falls back).

import { readFileSync } from 'node:fs';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { LOG_LEVEL_KEY, MODERN, main } from '../common/steps.mjs';

const manifest = new URL('../package.json', import.meta.resolve('@modelcontextprotocol/client'));
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

let client;
let transport;

function choice(revision) {
    if (revision === 'auto') return { versionNegotiation: { mode: 'auto' } };
    if (revision === MODERN) return { versionNegotiation: { mode: { pin: MODERN } } };
    if (revision !== undefined) return { supportedProtocolVersions: [revision] };
    return {};
}

function transportTo(options) {
    if (options.transport === 'http') return new StreamableHTTPClientTransport(new URL(options.url));
    if (options.transport === 'sse') return new SSEClientTransport(new URL(options.url));
    const [command, ...args] = options.server.split(' ');
    return new StdioClientTransport({ command, args, stderr: 'inherit' });
}

await main({
    sdk: '@modelcontextprotocol/client',
    version,
    async connect(options, on) {
        client = new Client(
            { name: 'wharf-interop-ts2', version: '0' },
            { capabilities: { elicitation: { form: { applyDefaults: true }, url: {} }, sampling: {}, roots: { listChanged: true } }, ...choice(options.revision) }
        );
        client.setRequestHandler('elicitation/create', request => on.elicit(request.params));
        client.setRequestHandler('sampling/createMessage', request => on.sample(request.params));
        client.setRequestHandler('roots/list', () => on.roots());
        client.setNotificationHandler('notifications/message', n => void on.log(n.params));
        client.setNotificationHandler('notifications/tools/list_changed', () => void on.toolsChanged());
        client.setNotificationHandler('notifications/resources/updated', n => void on.updated(n.params));
        transport = transportTo(options);
        await client.connect(transport);
        return {
            revision: client.getNegotiatedProtocolVersion(),
            era: client.getProtocolEra(),
            capabilities: client.getServerCapabilities(),
            server: client.getServerVersion(),
            instructions: client.getInstructions()
        };
    },
    // Without a cursor the SDK itself walks every page.
    listTools: async () => (await client.listTools()).tools,
    listResources: async () => (await client.listResources()).resources,
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    listPrompts: async () => (await client.listPrompts()).prompts,
    callTool: (name, args, { onprogress, signal, logLevel } = {}) =>
        client.callTool(
            { name, arguments: args, ...(logLevel === undefined ? {} : { _meta: { [LOG_LEVEL_KEY]: logLevel } }) },
            { onprogress, signal }
        ),
    readResource: uri => client.readResource({ uri }),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    complete: (ref, argument) => client.complete({ ref, argument }),
    ping: () => client.ping(),
    setLevel: level => client.setLoggingLevel(level),
    subscribe: uri => client.subscribeResource({ uri }),
    unsubscribe: uri => client.unsubscribeResource({ uri }),
    listen: ({ tools, uris }) =>
        client.listen({ ...(tools ? { toolsListChanged: true } : {}), ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}) }),
    async undeclared(options) {
        const other = new Client({ name: 'wharf-interop-ts2-bare', version: '0' }, choice(options.revision));
        await other.connect(transportTo(options));
        return { call: name => other.callTool({ name, arguments: {} }), close: () => other.close() };
    },
    async close() {
        if (transport instanceof StreamableHTTPClientTransport && transport.sessionId !== undefined) {
            await transport.terminateSession();
        }
        await client.close();
    }
});
