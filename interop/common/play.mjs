// Takes the steps of a file (`../servers/steps/`) with an adapter of `steps.mjs`
// and prints what came of each, as it is: `../run-servers` compares.

import { readFileSync } from 'node:fs';
import { sleep, until } from './values.mjs';

const STEP_TIMEOUT_MS = 20_000;
const WAIT_MS = 3000;

const fresh = () => ({ progress: [], log: [], elicit: [], sample: [], roots: [], changed: [], updated: [] });

function failure(error) {
    const message = String(error?.message ?? error).replace(/^MCP error -?\d+: /, '');
    if (typeof error?.code !== 'number') return { threw: message };
    return { error: { code: error.code, message, data: error.data } };
}

export async function play(adapter, options, print) {
    let heard = fresh();
    let answer = { action: 'cancel' };
    const handlers = {
        elicit: async params => (heard.elicit.push(params), answer),
        sample: async params => {
            heard.sample.push(params);
            return { model: 'interop-model', role: 'assistant', stopReason: 'endTurn', content: { type: 'text', text: 'The answer is 42.' } };
        },
        roots: async () => {
            heard.roots.push(true);
            return { roots: [{ uri: 'file:///home/ada/project', name: 'project' }, { uri: 'file:///tmp' }] };
        },
        log: params => heard.log.push(params),
        toolsChanged: () => heard.changed.push('tools'),
        updated: params => heard.updated.push(params.uri)
    };
    let info;
    const results = [];
    try {
        info = await adapter.connect(options, handlers);
    } catch (error) {
        results.push({ name: 'info', ...failure(error) });
    }
    const modern = info?.era === 'modern';
    const open = new Map();
    let level;

    const call = (params, more) =>
        adapter.callTool(params.name, params.arguments ?? {}, { onprogress: p => void heard.progress.push(p), logLevel: level, ...more });

    async function cancel(step) {
        const stop = new AbortController();
        const running = call(step.with, { signal: stop.signal });
        const ended = running.then(() => false, () => true);
        const began = await until(() => heard.progress.length >= step.after, WAIT_MS);
        stop.abort('interop: enough');
        const cancelled = await ended;
        await sleep(300);
        heard = fresh();
        await sleep(200);
        return { began, cancelled };
    }

    const closeOpen = async key => {
        await open.get(key)?.close();
        open.delete(key);
    };
    const DO = {
        info: () => ({ revision: info.revision, capabilities: info.capabilities, server: info.server, instructions: info.instructions }),
        list_tools: () => adapter.listTools(),
        list_resources: () => adapter.listResources(),
        list_templates: () => adapter.listTemplates(),
        list_prompts: () => adapter.listPrompts(),
        call: step => call(step.with),
        cancel,
        parallel: step => Promise.all(step.with.map(params => call(params).catch(failure))),
        task: step => adapter.callTask(step.with.name, step.with.arguments),
        cancel_task: step => adapter.cancelTask(step.with.name, step.with.arguments),
        read: step => adapter.readResource(step.with.uri),
        prompt: step => adapter.getPrompt(step.with.name, step.with.arguments),
        complete: step => adapter.complete(step.with.ref, step.with.argument),
        ping: async () => void (await adapter.ping()),
        set_level: async step => {
            if (modern) level = step.with.level;
            else await adapter.setLevel(step.with.level);
        },
        listen_tools: async () => {
            if (modern) open.set('tools', await adapter.listen({ tools: true, uris: [] }));
        },
        subscribe: async ({ with: { uri } }) => {
            if (modern) open.set(uri, await adapter.listen({ tools: false, uris: [uri] }));
            else await adapter.subscribe(uri);
        },
        unsubscribe: async ({ with: { uri } }) => {
            if (modern) await closeOpen(uri);
            else await adapter.unsubscribe(uri);
        },
        close: async () => {
            for (const key of [...open.keys()]) await closeOpen(key);
            await adapter.close();
        }
    };

    const steps = info === undefined ? [] : JSON.parse(readFileSync(options.steps, 'utf8'));
    for (const step of steps) {
        if (!Object.entries(step.when ?? {}).every(([what, among]) => among.includes(info[what]))) continue;
        heard = fresh();
        answer = step.answer ?? { action: 'cancel' };
        const began = Date.now();
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`no end after ${STEP_TIMEOUT_MS} ms`)), STEP_TIMEOUT_MS);
        });
        let outcome;
        try {
            outcome = { result: (await Promise.race([DO[step.do](step), late])) ?? null };
        } catch (error) {
            outcome = failure(error);
        }
        clearTimeout(timer);
        await until(() => Object.entries(step.wait ?? {}).every(([kind, count]) => heard[kind].length >= count), WAIT_MS);
        await sleep(step.settle_ms ?? 0);
        const loud = Object.entries(heard).filter(([kind, all]) => all.length > 0 && !step.quiet?.includes(kind));
        results.push({ name: step.name, ...outcome, ...(loud.length > 0 ? { heard: Object.fromEntries(loud) } : {}) });
        if (process.env.INTEROP_TRACE) console.error(`${step.name}: ${Date.now() - began} ms`);
    }
    print({ sdk: adapter.sdk, version: adapter.version, transport: options.transport, revision: info?.revision ?? null, results });
}
