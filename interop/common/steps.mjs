// The steps that both TypeScript clients take, written against a small adapter
// so that the two SDK generations differ only in `ts1/client.mjs` and
// `ts2/client.mjs`. This file imports no SDK.
//
// An adapter offers:
//   sdk, version                                   what is under the name of the client
//   connect({transport, server, url, revision}, handlers) -> {revision, era, capabilities, serverName}
//   listTools, listResources, listTemplates, listPrompts   every page, as an array
//   callTool(name, args, {onprogress, signal, logLevel}), readResource(uri), getPrompt(name, args)
//   complete(ref, argument), ping(), setLevel(level)
//   subscribe(uri), unsubscribe(uri)                legacy
//   listen({tools, uris}) -> {close()}              modern
//   close()
// `handlers` are the functions below that answer the server: elicit, sample,
// roots, log, toolsChanged, updated.

const STEP_TIMEOUT_MS = 20_000;
const MODERN = '2026-07-28';
const LOG_LEVEL_KEY = 'io.modelcontextprotocol/logLevel';

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Waits until `condition` holds, at most `ms` milliseconds; says whether it came to hold. */
async function until(condition, ms) {
    const end = Date.now() + ms;
    while (!condition()) {
        if (Date.now() > end) return false;
        await sleep(5);
    }
    return true;
}

function parseArguments(argv) {
    const options = {};
    for (let i = 0; i < argv.length; i += 2) {
        const name = argv[i].replace(/^--/, '');
        if (!['transport', 'server', 'url', 'revision'].includes(name) || argv[i + 1] === undefined) {
            throw new Error(`unknown or incomplete argument ${argv[i]}`);
        }
        options[name] = argv[i + 1];
    }
    if (options.transport === 'stdio' ? !options.server : !options.url) {
        throw new Error('usage: --transport stdio --server COMMAND | --transport http --url URL [--revision R]');
    }
    return options;
}

const textOf = result => result.content.map(block => (block.type === 'text' ? block.text : `<${block.type}>`)).join('\n');

/** A result as text, and `isError` only where it is true. */
function plain(result) {
    return result.isError === true ? { isError: true, text: textOf(result) } : textOf(result);
}

/** That a tool refused, whatever the words: the contract does not fix them. */
function refusal(result) {
    return { isError: result.isError === true, says_why: textOf(result).length > 0 };
}

const isPng = base64 => Buffer.from(base64, 'base64').subarray(1, 4).toString('latin1') === 'PNG';
const family = mime => (mime?.startsWith('text/') ? 'text' : (mime ?? null));

/** The protocol error that `work` ends with, as its code. */
async function codeOf(work) {
    try {
        await work();
    } catch (error) {
        return { code: error.code ?? String(error) };
    }
    return { code: null };
}

export { LOG_LEVEL_KEY, MODERN };

/** Takes every step with `adapter` and prints one JSON document. */
export async function main(adapter) {
    const options = parseArguments(process.argv.slice(2));
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
        return { server_named: typeof info.serverName === 'string' && info.serverName.length > 0 };
    });
    if (info !== undefined) {
        await takeSteps(adapter, info, { step, heard, setAnswer: f => (answer = f) });
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
    process.stdout.write(JSON.stringify(document, null, 2) + '\n', () => process.exit(0));
}

async function takeSteps(client, info, { step, heard, setAnswer }) {
    const modern = info.era === 'modern';
    const call = (name, args = {}, options) => client.callTool(name, args, options);
    const accept = content => setAnswer(async () => ({ action: 'accept', content }));

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

    // Progress, log messages, cancellation.
    await step('progress', async () => {
        const steps = [];
        const result = await call('countdown', { from: 3, interval_ms: 20 }, { onprogress: p => steps.push([p.progress, p.total ?? null]) });
        // A notification can still be on its way through the SDK when the answer is here.
        await until(() => steps.length >= 3, 500);
        return { text: plain(result), steps };
    });
    const logged = async (level, args) => {
        // Messages of the step before can still be on their way through the SDK.
        await sleep(50);
        heard.logs.length = 0;
        if (!modern) await client.setLevel(level);
        await call('countdown', args, modern && level !== 'none' ? { logLevel: level } : {});
        await until(() => heard.logs.length >= args.from, 300);
        return heard.logs.map(m => m.level);
    };
    await step('log_info', () => logged('info', { from: 2, interval_ms: 10 }));
    await step('log_error_only', () => logged('error', { from: 2, interval_ms: 10 }));
    if (modern) await step('log_unasked', () => logged('none', { from: 2, interval_ms: 10 }));
    await step('cancel', async () => {
        if (!modern) await client.setLevel('info');
        heard.logs.length = 0;
        const stop = new AbortController();
        const running = call('countdown', { from: 500, interval_ms: 20 }, { signal: stop.signal, onprogress: () => {}, logLevel: modern ? 'info' : undefined });
        running.catch(() => {});
        const began = await until(() => heard.logs.length >= 2, 3000);
        stop.abort('interop: enough');
        const cancelled = await running.then(() => false, () => true);
        await sleep(300);
        const before = heard.logs.length;
        await sleep(300);
        const quiet = heard.logs.length === before;
        return { began, cancelled, quiet, alive: plain(await call('echo', { message: 'still here' })) };
    });
    await step('not_blocked', async () => {
        const order = [];
        const slow = call('countdown', { from: 20, interval_ms: 20 }).then(() => order.push('countdown'));
        await sleep(50);
        await call('echo', { message: 'quick' });
        order.push('echo');
        await slow;
        return order;
    });

    // Asks.
    const greet = async () => {
        heard.elicited.length = 0;
        return { text: plain(await call('greet_me')), asked: heard.elicited.flat() };
    };
    await step('elicit_accept', () => (accept({ name: 'Ada' }), greet()));
    await step('elicit_decline', () => (setAnswer(async () => ({ action: 'decline' })), greet()));
    await step('elicit_cancel', () => (setAnswer(async () => ({ action: 'cancel' })), greet()));
    await step('two_questions', async () => {
        heard.elicited.length = 0;
        let bothOpen = true;
        setAnswer(async asked => {
            // Keep this one open until the other is here too.
            bothOpen = (await until(() => heard.elicited.length >= 2, 2000)) && bothOpen;
            return { action: 'accept', content: asked.includes('name') ? { name: 'Ada' } : { colour: 'blue' } };
        });
        const text = plain(await call('two_questions'));
        return { text, asked: heard.elicited.flat().sort(), both_open: bothOpen };
    });
    await step('sampling', async () => {
        heard.sampled.length = 0;
        const question = 'What is six times seven?';
        const text = plain(await call('ask_model', { question }));
        return { text, asked: heard.sampled.map(m => ({ role: m.role, has_question: m.text.includes(question) })) };
    });
    await step('roots', async () => plain(await call('where_am_i')));

    // Changes at run time.
    await step('list_changed', async () => {
        const before = heard.toolsChanged;
        const subscription = modern ? await client.listen({ tools: true, uris: [] }) : undefined;
        await call('add_tool', { name: 'extra' });
        const notified = await until(() => heard.toolsChanged > before, 3000);
        const listed = (await client.listTools()).some(tool => tool.name === 'extra');
        await subscription?.close();
        return { notified, listed };
    });
    await step('resource_updated', async () => {
        heard.updated.length = 0;
        const uri = 'wharf://about';
        const subscription = modern ? await client.listen({ tools: false, uris: [uri] }) : await client.subscribe(uri);
        await call('touch', { uri: 'wharf://logo' });
        await call('touch', { uri });
        await until(() => heard.updated.length >= 1, 3000);
        await sleep(200);
        const updated = [...heard.updated];
        if (modern) await subscription.close();
        else await client.unsubscribe(uri);
        if (modern) await sleep(200);
        await call('touch', { uri });
        await sleep(400);
        return { updated, after_end: heard.updated.length - updated.length };
    });
}

