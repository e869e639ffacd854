// The steps that both TypeScript clients take, written against a small adapter
// so that the two SDK generations differ only in `ts1/client.mjs` and
// `ts2/client.mjs`. This file imports no SDK.
//
// An adapter offers:
//   sdk, version                                   what is under the name of the client
//   connect({transport, server, url, revision}, handlers) -> {revision, era, capabilities, server, instructions}
//   listTools, listResources, listTemplates, listPrompts   every page, as an array
//   callTool(name, args, {onprogress, signal, logLevel}), readResource(uri), getPrompt(name, args)
//   complete(ref, argument), ping(), setLevel(level)
//   subscribe(uri), unsubscribe(uri)                legacy
//   listen({tools, uris}) -> {close()}              modern
//   close()
//   callTask(name, args) -> {created, text}, cancelTask(name, args) -> status   2025-11-25, where the SDK has tasks
//   undeclared(options) -> {call(name), close()}  a second client, which can answer nothing
// `handlers` are the functions below that answer the server: elicit, sample,
// roots, log, toolsChanged, updated.

import { takeLiveSteps } from './live.mjs';
import { play } from './play.mjs';
import { codeOf, family, isPng, plain, refusal } from './values.mjs';

const STEP_TIMEOUT_MS = 20_000;
const MODERN = '2026-07-28';
const LOG_LEVEL_KEY = 'io.modelcontextprotocol/logLevel';

function parseArguments(argv) {
    const options = {};
    for (let i = 0; i < argv.length; i += 2) {
        const name = argv[i].replace(/^--/, '');
        if (!['transport', 'server', 'url', 'revision', 'steps'].includes(name) || argv[i + 1] === undefined) {
            throw new Error(`unknown or incomplete argument ${argv[i]}`);
        }
        options[name] = argv[i + 1];
    }
    if (options.transport === 'stdio' ? !options.server : !options.url) {
        throw new Error('usage: --transport stdio --server COMMAND | --transport http|sse|ws --url URL [--revision R] [--steps FILE]');
    }
    return options;
}

export { LOG_LEVEL_KEY, MODERN };

// Standard output is for the document; some SDKs have things to say.
console.log = console.info = console.debug = console.error;
const print = document => process.stdout.write(JSON.stringify(document, null, 2) + '\n', () => process.exit(0));

/** Takes every step with `adapter` (those below, or those of a file) and prints one JSON document. */
export async function main(adapter) {
    const options = parseArguments(process.argv.slice(2));
    if (options.steps) return play(adapter, options, print);
    const results = {};
    const heard = { logs: [], toolsChanged: 0, updated: [], elicited: [], sampled: [] };
    // What the next elicitation is answered with.
    let answer = async () => ({ action: 'cancel' });
    const handlers = {
        elicit: async params => {
            const asked = Object.keys(params.requestedSchema?.properties ?? {});
            heard.elicited.push(asked);
            return answer(asked, params);
        },
        sample: async params => {
            const last = params.messages.at(-1);
            const content = Array.isArray(last.content) ? last.content[0] : last.content;
            heard.sampled.push({ role: last.role, text: content.text ?? '' });
            return { model: 'interop-model', role: 'assistant', stopReason: 'endTurn', content: { type: 'text', text: 'The answer is 42.' } };
        },
        roots: async () => ({ roots: [{ uri: 'file:///home/ada/project', name: 'project' }, { uri: 'file:///tmp' }] }),
        log: params => heard.logs.push(params),
        toolsChanged: () => (heard.toolsChanged += 1),
        updated: params => heard.updated.push(params.uri)
    };

    async function step(name, work) {
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`no end after ${STEP_TIMEOUT_MS} ms`)), STEP_TIMEOUT_MS);
        });
        const started = Date.now();
        try {
            results[name] = await Promise.race([work(), late]);
        } catch (error) {
            results[name] = { threw: String(error?.message ?? error), ...(error?.code === undefined ? {} : { code: error.code }) };
        } finally {
            clearTimeout(timer);
        }
        if (process.env.INTEROP_TRACE) console.error(`${name}: ${Date.now() - started} ms`);
    }

    let info;
    await step('connect', async () => {
        info = await adapter.connect(options, handlers);
        return { server_named: typeof info.server?.name === 'string' && info.server.name.length > 0 };
    });
    if (info !== undefined) {
        await takeSteps(adapter, info, { step, heard, setAnswer: f => (answer = f) });
        await step('undeclared', () => undeclared(adapter, options));
        await step('close', async () => {
            const started = Date.now();
            await adapter.close();
            // The SDKs give a server two seconds to end by itself, and then end it.
            return Date.now() - started < 1500 ? 'in time' : 'late';
        });
    }
    const document = {
        sdk: adapter.sdk,
        version: adapter.version,
        transport: options.transport,
        revision: info?.revision ?? null,
        results
    };
    print(document);
}

/** A tool that must ask is called by a client that did not say it can be asked. */
async function undeclared(adapter, options) {
    const other = await adapter.undeclared(options);
    try {
        return { refused: (await other.call('greet_me')).isError === true };
    } catch (error) {
        if (typeof error.code !== 'number') throw error;
        return { refused: true };
    } finally {
        await other.close();
    }
}

async function takeSteps(client, info, { step, heard, setAnswer }) {
    const modern = info.era === 'modern';
    const call = (name, args = {}, options) => client.callTool(name, args, options);

    // What there is.
    await step('capabilities', async () => {
        const c = info.capabilities ?? {};
        const found = [];
        if (c.completions) found.push('completions');
        if (c.logging) found.push('logging');
        if (c.prompts?.listChanged) found.push('prompts.listChanged');
        if (c.resources?.listChanged) found.push('resources.listChanged');
        if (c.resources?.subscribe) found.push('resources.subscribe');
        if (c.tools?.listChanged) found.push('tools.listChanged');
        return found;
    });
    let tools = [];
    await step('list_tools', async () => {
        tools = await client.listTools();
        return tools.map(tool => tool.name).sort();
    });
    await step('tool_schema', async () => {
        const add = tools.find(tool => tool.name === 'add');
        const types = schema =>
            Object.fromEntries(Object.entries(schema?.properties ?? {}).map(([name, property]) => [name, property.type]));
        return {
            input: types(add.inputSchema),
            required: [...(add.inputSchema.required ?? [])].sort(),
            output: add.outputSchema === undefined ? null : types(add.outputSchema)
        };
    });
    await step('list_resources', async () =>
        (await client.listResources()).map(r => ({ uri: r.uri, mime: family(r.mimeType) })).sort((a, b) => (a.uri < b.uri ? -1 : 1))
    );
    await step('list_templates', async () => (await client.listTemplates()).map(t => t.uriTemplate).sort());
    await step('list_prompts', async () =>
        (await client.listPrompts())
            .map(p => ({ name: p.name, arguments: (p.arguments ?? []).map(a => a.name) }))
            .sort((a, b) => (a.name < b.name ? -1 : 1))
    );

    // Tools that answer at once.
    await step('echo', async () => plain(await call('echo', { message: 'Ahoy, wharf ⚓' })));
    await step('echo_lines', async () => plain(await call('echo', { message: 'one\ntwo\r\nthree\u2028four\u0000end' })));
    await step('echo_long', async () => {
        const message = 'ab⚓'.repeat(50_000);
        return plain(await call('echo', { message })) === message;
    });
    await step('add', async () => {
        const result = await call('add', { a: 1, b: 2 });
        return { text: plain(result), structured: result.structuredContent ?? null };
    });
    await step('calculate', async () => plain(await call('calculate', { expression: '2 * (3 + 4)' })));
    await step('calculate_bad', async () => refusal(await call('calculate', { expression: '2 * (3 +' })));
    await step('picture', async () => {
        const blocks = (await call('picture')).content;
        return blocks.map(b => ({ type: b.type, mime: b.mimeType ?? null, png: b.data !== undefined && isPng(b.data) }));
    });
    await step('sound', async () => {
        const blocks = (await call('sound')).content;
        return blocks.map(b => ({ type: b.type, mime: b.mimeType?.split('/')[0] ?? null, bytes: b.data !== undefined && b.data.length > 0 }));
    });
    await step('embedded', async () => {
        const blocks = (await call('embedded')).content;
        return blocks.map(b => ({ type: b.type, uri: Boolean(b.resource?.uri), body: Boolean(b.resource?.text ?? b.resource?.blob) }));
    });
    await step('link', async () => {
        const blocks = (await call('link')).content;
        return blocks.map(b => ({ type: b.type, uri: Boolean(b.uri), named: Boolean(b.name) }));
    });
    await step('fail', async () => plain(await call('fail')));
    await step('unknown_tool', () => codeOf(() => call('no_such_tool')));
    await step('wrong_argument', async () => refusal(await call('add', { a: 'one', b: 2 })));
    await step('missing_argument', async () => refusal(await call('add', { a: 1 })));
    await step('parallel', async () => {
        const words = Array.from({ length: 24 }, (_, i) => `word ${i}`);
        const answers = await Promise.all(words.map(async message => plain(await call('echo', { message }))));
        return answers.every((text, i) => text === words[i]);
    });

    // Resources, prompts, completion.
    await step('read_about', async () =>
        (await client.readResource('wharf://about')).contents.map(c => ({ uri: c.uri, mime: family(c.mimeType), text: Boolean(c.text) }))
    );
    await step('read_logo', async () =>
        (await client.readResource('wharf://logo')).contents.map(c => ({ uri: c.uri, mime: family(c.mimeType), png: isPng(c.blob ?? '') }))
    );
    await step('read_greeting', async () =>
        (await client.readResource('greeting://Ada')).contents.map(c => ({ uri: c.uri, text: c.text }))
    );
    await step('read_greeting_escaped', async () =>
        (await client.readResource('greeting://Ada%20L%C3%B6w')).contents.map(c => c.text)
    );
    await step('unknown_resource', () => codeOf(() => client.readResource('wharf://no-such-thing')));
    await step('prompt_review', async () => {
        const { messages } = await client.getPrompt('review', { code: 'let x = 41 + 1;' });
        return messages.map(m => ({ role: m.role, type: m.content.type, has_code: m.content.text.includes('let x = 41 + 1;') }));
    });
    await step('prompt_explain', async () => {
        const { messages } = await client.getPrompt('explain', { topic: 'tides', level: 'beginner' });
        const all = messages.map(m => m.content.text).join('\n');
        return { topic: all.includes('tides'), level: all.includes('beginner') };
    });
    await step('unknown_prompt', () => codeOf(() => client.getPrompt('no_such_prompt', {})));
    const ofTemplate = { type: 'ref/resource', uri: 'greeting://{name}' };
    const ofPrompt = { type: 'ref/prompt', name: 'explain' };
    await step('complete_template', async () => ({
        A: (await client.complete(ofTemplate, { name: 'name', value: 'A' })).completion.values,
        Gr: (await client.complete(ofTemplate, { name: 'name', value: 'Gr' })).completion.values,
        x: (await client.complete(ofTemplate, { name: 'name', value: 'x' })).completion.values
    }));
    await step('complete_prompt', async () => ({
        '': (await client.complete(ofPrompt, { name: 'level', value: '' })).completion.values,
        in: (await client.complete(ofPrompt, { name: 'level', value: 'in' })).completion.values
    }));
    if (!modern) {
        await step('ping', async () => {
            await client.ping();
            return true;
        });
    }
    await takeLiveSteps(client, modern, { step, heard, setAnswer });
}
