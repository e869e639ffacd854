// The steps that look at what happens while a call runs, and at changes at run time.

import { plain, sleep, until } from './values.mjs';

export async function takeLiveSteps(client, modern, { step, heard, setAnswer }) {
    const call = (name, args = {}, options) => client.callTool(name, args, options);
    const accept = content => setAnswer(async () => ({ action: 'accept', content }));

    // Progress, log messages, cancellation.
    await step('progress', async () => {
        const steps = [];
        // Slowly, so that a busy machine does not make one piece of a progress and the answer.
        const result = await call('countdown', { from: 3, interval_ms: 100 }, { onprogress: p => steps.push([p.progress, p.total ?? null]) });
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

    // Calls that become tasks.
    if (client.callTask && !modern) {
        await step('task', () => client.callTask('survey', { ask: false }));
        await step('task_ask', () => (accept({ name: 'Ada' }), client.callTask('survey', { ask: true })));
        await step('task_cancel', () => client.cancelTask('survey', { ask: true }));
    }

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
