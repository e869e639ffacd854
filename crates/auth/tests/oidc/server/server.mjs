// An authorization server that others wrote (oidc-provider), with a person who says yes to
// everything, and an MCP server that checks its tokens. Started by the tests in this folder.
//
//   node server.mjs '{"ttl": 3600, "nonce": false, "dpop": false, "tell": true}'
//
// Prints one line of JSON when it is ready, and ends with its standard input.
import { createServer } from 'node:http';
import { createHash, randomBytes } from 'node:crypto';
import { Provider, errors } from 'oidc-provider';
import * as jose from 'jose';

const options = { ttl: 3600, nonce: false, dpop: false, keys: [], ...JSON.parse(process.argv[2] ?? '{}') };
// Only the line below may go to standard output: nobody reads on.
console.info = console.warn = console.error;
process.stdin.on('end', () => process.exit(0)).resume();

const listen = (server) =>
  new Promise((done) => server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}`)));

let answerAs, answerMcp;
const as = createServer((request, response) => answerAs(request, response));
const mcp = createServer((request, response) => answerMcp(request, response));
const issuer = await listen(as);
const origin = await listen(mcp);
const resource = `${origin}/mcp`;
const log = { grants: {}, refused: [], registered: 0, revoked: 0, reused: 0 };

// A key that the tests cannot make themselves.
const rsa = await jose.generateKeyPair('RS256', { extractable: true, modulusLength: 2048 });
const rsaPem = await jose.exportPKCS8(rsa.privateKey);
const rsaKeys = await Promise.all(
  ['RS256', 'PS256'].map(async (alg) => ({ ...(await jose.exportJWK(rsa.publicKey)), alg, kid: alg })),
);

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'robot',
      client_secret: 'a secret: with % and +',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    {
      client_id: 'robot-post',
      client_secret: 'another secret',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_post',
    },
    ...[...options.keys, ...rsaKeys].map((key) => ({
      client_id: `robot-${key.kid}`,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: key.alg,
      jwks: { keys: [key] },
    })),
  ],
  clientAuthMethods: options.methods ?? [
    'none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt',
  ],
  enabledJWA: { clientAuthSigningAlgValues: options.algorithms ?? ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] },
  scopes: ['openid', 'offline_access', 'read', 'write'],
  pkce: { required: () => true },
  ttl: { AccessToken: options.ttl, ClientCredentials: options.ttl },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
    dPoP: {
      enabled: true,
      nonceSecret: randomBytes(32),
      requireNonce: () => options.nonce,
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_ctx, wanted) {
        if (wanted !== resource) throw new errors.InvalidTarget();
        return { scope: 'read write', audience: resource, accessTokenFormat: 'opaque', accessTokenTTL: options.ttl };
      },
    },
  },
});
provider.on('grant.success', (ctx) => {
  const kind = ctx.oidc.params.grant_type.split(':').at(-1);
  log.grants[kind] = (log.grants[kind] ?? 0) + 1;
});
provider.on('grant.error', (_ctx, error) => {
  log.refused.push(error.error);
  if (/already used/.test(error.error_detail ?? '')) log.reused += 1;
});
provider.on('grant.revoked', () => (log.revoked += 1));
provider.on('registration_create.success', () => (log.registered += 1));

const handle = provider.callback();
answerAs = async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return handle(request, response);
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  let result = { login: { accountId: 'ann' } };
  if (params.scope?.split(' ').includes('write') && options.deny) {
    result = { error: 'access_denied', error_description: 'Ann said no' };
  } else if (prompt.name === 'consent') {
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [which, scopes] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(which, scopes.join(' '));
    }
    result = { consent: { grantId: await grant.save() } };
  }
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
};

// --- The MCP server ----------------------------------------------------------

const nonce = randomBytes(12).toString('base64url');
const seen = new Set();

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

async function proofIsWrong(request, token) {
  const proof = request.headers.dpop;
  if (!proof) return 'no proof';
  const header = jose.decodeProtectedHeader(proof);
  const { payload } = await jose.jwtVerify(proof, await jose.importJWK(header.jwk, header.alg), { typ: 'dpop+jwt' });
  if ((await jose.calculateJwkThumbprint(header.jwk)) !== token.jkt) return 'another key';
  const value = request.headers.authorization.split(' ')[1];
  if (payload.ath !== createHash('sha256').update(value).digest('base64url')) return 'another token';
  if (payload.htm !== request.method || payload.htu !== resource) return 'another request';
  if (seen.has(payload.jti)) return 'used before';
  seen.add(payload.jti);
  if (options.nonce && payload.nonce !== nonce) return 'use_dpop_nonce';
  return null;
}

answerMcp = async (request, response) => {
  const url = new URL(request.url, origin);
  if (url.pathname === '/.well-known/oauth-protected-resource/mcp') {
    return answer(response, 200, {
      resource,
      authorization_servers: [issuer],
      scopes_supported: ['read'],
      ...(options.dpop && { dpop_signing_alg_values_supported: ['ES256'] }),
    });
  }
  if (url.pathname === '/log') return answer(response, 200, log);
  if (url.pathname !== '/mcp') return answer(response, 404, {});
  const challenge = (rest) => ({
    'www-authenticate':
      `${options.dpop ? 'DPoP' : 'Bearer'} ${rest}resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
  });
  const [scheme, value] = (request.headers.authorization ?? '').split(' ');
  if (!value) return answer(response, 401, {}, challenge(''));
  const token =
    (await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value));
  if (!token || token.isExpired || token.aud !== resource) {
    return answer(response, 401, {}, challenge('error="invalid_token", '));
  }
  if (token.jkt ? scheme !== 'DPoP' : scheme !== 'Bearer') {
    return answer(response, 401, {}, challenge('error="invalid_token", '));
  }
  if (token.jkt) {
    const wrong = await proofIsWrong(request, token).catch((error) => String(error));
    if (wrong === 'use_dpop_nonce') {
      return answer(response, 401, {}, { ...challenge('error="use_dpop_nonce", '), 'dpop-nonce': nonce });
    }
    if (wrong) return answer(response, 401, { wrong }, challenge('error="invalid_dpop_proof", '));
  }
  const needed = request.headers['x-need'];
  if (needed && !(token.scope ?? '').split(' ').includes(needed)) {
    return answer(response, 403, {}, challenge(`error="insufficient_scope", scope="${needed}", `));
  }
  answer(response, 200, {
    scope: token.scope,
    client: token.clientId,
    token: createHash('sha256').update(value).digest('hex'),
    bound: Boolean(token.jkt),
  });
};

console.log(JSON.stringify({ issuer, resource, origin, rsaPem }));
