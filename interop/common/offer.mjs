// What the TypeScript servers offer: `../servers/offer.json` brought to life.
// This file imports no SDK; `ts1/server.mjs` and `ts2/server.mjs` bind it to theirs.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { sleep } from './values.mjs';

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
export const offer = JSON.parse(readFileSync(new URL('../servers/offer.json', import.meta.url), 'utf8'));
export const capabilities = {
    completions: {},
    logging: {},
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    tools: { listChanged: true }
};

/** What becomes a protocol error. */
export class Refusal extends Error {
    constructor({ code, message, data }) {
        super(message);
        Object.assign(this, { code, data });
    }
}

const refuse = (message, code = -32602) => {
    throw new Refusal({ code, message });
};
const text = (words, more) => ({ content: [{ type: 'text', text: words }], ...more });
const shared = { extra: false, cancelled: 0, listeners: new Set() };

export const noisy = (level, least) => LEVELS.indexOf(level) >= LEVELS.indexOf(least);

/** Those who are told of changes: `{toolsChanged(), updated(uri)}`. */
export function listen(listener) {
    shared.listeners.add(listener);
    return () => shared.listeners.delete(listener);
}

function page(items, cursor) {
    const from = cursor === undefined ? 0 : Number(cursor.replace('from-', ''));
    if (!(from >= 0)) refuse(`no such page: ${cursor}`);
    const end = from + offer.page;
    return [items.slice(from, end), end < items.length ? { nextCursor: `from-${end}` } : {}];
}

const list = (field, all) => params => {
    const [items, next] = page(all(), params?.cursor);
    return { [field]: items, ...next };
};
const definitions = entries => entries.map(entry => entry.definition);
export const listTools = list('tools', () => [...definitions(offer.tools), ...(shared.extra ? [offer.extra] : [])]);
export const listResources = list('resources', () => definitions(offer.resources));
export const listTemplates = list('resourceTemplates', () => offer.templates);
export const listPrompts = list('prompts', () => definitions(offer.prompts));

export function read({ uri }) {
    const found = offer.resources.find(entry => entry.definition.uri === uri);
    if (found) return { contents: found.contents };
    if (!uri.startsWith('greeting://')) refuse(`nothing is at ${uri}`, -32002);
    const name = decodeURIComponent(uri.slice('greeting://'.length));
    return { contents: [{ uri, mimeType: 'text/plain', text: `Hello, ${name}!` }] };
}

export function prompt({ name, arguments: given = {} }) {
    const found = offer.prompts.find(entry => entry.definition.name === name) ?? refuse(`no prompt is called ${name}`);
    const filled = JSON.parse(JSON.stringify(found.messages), (key, value) =>
        key === 'text' ? value.replace(/\{(\w+)\}/g, (_, word) => given[word] ?? '') : value
    );
    return { ...(found.description ? { description: found.description } : {}), messages: filled };
}

export function complete({ ref, argument }) {
    const values = (offer.completions[ref.uri ?? ref.name]?.[argument.name] ?? []).filter(v => v.startsWith(argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
}

async function countdown({ from, interval_ms }, context) {
    for (let done = 1; done <= from; done += 1) {
        await sleep(interval_ms);
        if (context.signal.aborted) {
            shared.cancelled += 1;
            throw new Error('cancelled');
        }
        await context.progress({ progress: done, total: from, message: `${from - done} to go` });
        await context.log('info', { left: from - done });
    }
    // What arrives in one piece with the answer, some SDKs' clients lose; this one may be busy.
    await sleep(250);
    return text('liftoff');
}

const DOES = {
    echo: ({ message }) => text(message),
    add: ({ a, b }) => text(String(a + b), { structuredContent: { result: a + b } }),
    countdown,
    cancellations: () => {
        const seen = shared.cancelled;
        shared.cancelled = 0;
        return text(String(seen));
    },
    toggle_tool: async () => {
        shared.extra = !shared.extra;
        for (const listener of shared.listeners) await listener.toolsChanged();
        return text(shared.extra ? 'there' : 'gone');
    },
    touch: async ({ uri }) => {
        for (const listener of shared.listeners) await listener.updated(uri);
        return text('touched');
    }
};

/**
 * Calls a tool. `context` has `signal`, `progress(params)`, `log(level, data)` and `ask(requests)`,
 * which gives what the client answered under the same keys, or `{pending}`: the result to give first.
 */
export async function call({ name, arguments: given = {} }, context) {
    const tool = offer.tools.find(entry => entry.definition.name === name) ?? refuse(`no tool is called ${name}`);
    if (tool.error) throw new Refusal(tool.error);
    if (tool.result) return tool.result;
    if (tool.does) return DOES[tool.does](given, context);
    const { pending, ...answers } = await context.ask(tool.asks);
    return pending ?? text(JSON.stringify(answers));
}

/** Serves HTTP with `handle(request, response, path)` where the command line says; says so on stderr. */
export function serveHttp(handle) {
    const [host, port] = process.argv[3].split(':');
    const server = createServer((request, response) => {
        const path = new URL(request.url, 'http://x').pathname;
        handle(request, response, path).catch(error => {
            console.error(error);
            if (!response.headersSent) response.writeHead(500);
            response.end();
        });
    });
    server.listen(Number(port), host, () => console.error(`listening on ${host}:${server.address().port}`));
}
