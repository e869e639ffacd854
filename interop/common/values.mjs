// How results are made comparable with those of the other clients.

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Waits until `condition` holds, at most `ms` milliseconds; says whether it came to hold. */
export async function until(condition, ms) {
    const end = Date.now() + ms;
    while (!condition()) {
        if (Date.now() > end) return false;
        await sleep(5);
    }
    return true;
}

export const textOf = result => result.content.map(block => (block.type === 'text' ? block.text : `<${block.type}>`)).join('\n');

/** A result as text, and `isError` only where it is true. */
export function plain(result) {
    return result.isError === true ? { isError: true, text: textOf(result) } : textOf(result);
}

/** That a tool refused, whatever the words: the contract does not fix them. */
export function refusal(result) {
    return { isError: result.isError === true, says_why: textOf(result).length > 0 };
}

export const isPng = base64 => Buffer.from(base64, 'base64').subarray(1, 4).toString('latin1') === 'PNG';
export const family = mime => (mime?.startsWith('text/') ? 'text' : (mime ?? null));

/** The protocol error that `work` ends with, as its code. */
export async function codeOf(work) {
    try {
        await work();
    } catch (error) {
        return { code: error.code ?? String(error) };
    }
    return { code: null };
}
