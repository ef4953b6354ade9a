'use strict';
// The tests' S3 server: a package that speaks the protocol, behind our own check of signatures.
// usage: node server.js STATE PORT BUCKET[:ACCOUNT]...   (run by `store start`)

const { createHash, randomBytes } = require('crypto');
const fs = require('fs');
const path = require('path');
const { Readable } = require('stream');
const S3rver = require('@20minutes/s3rver');
const S3Error = require('@20minutes/s3rver/lib/models/error');
const ObjectStore = require('./objects');
const S3Object = require('@20minutes/s3rver/lib/models/object');
const checksums = require('./checksums');
const former = require('./forms');
const patient = require('./patience');
const verifier = require('./verify');

const [state, port, ...buckets] = process.argv.slice(2);
const region = 'us-east-1';
const accounts = [1, 2].map(() => ({
  access: 'AKIA' + randomBytes(8).toString('hex').toUpperCase(),
  secret: randomBytes(30).toString('base64'),
}));
const owners = new Map(
  buckets.map((item) => item.split(':')).map(([name, account = '1']) => [name, accounts[account - 1].access]));

const STATUS = {
  InvalidURI: 400, BadDigest: 400, InvalidRequest: 400, AuthorizationHeaderMalformed: 400, PreconditionFailed: 412,
  EntityTooSmall: 400, EntityTooLarge: 400, InvalidArgument: 400,
};
const refuse = (code, message, detail) =>
  Object.assign(new S3Error(code, message, detail), { status: STATUS[code] ?? 403 });
const secrets = new Map(accounts.map((a) => [a.access, a.secret]));
const verify = verifier({ secrets, region, refuse });
const form = former({ secrets, region, refuse });

// The package escapes XML twice, in answers and in errors.
const escapedOnce = (xml) => xml.replaceAll('&amp;', '&');
const errorToXml = S3Error.prototype.toXML;
S3Error.prototype.toXML = function toXML() {
  return escapedOnce(errorToXml.call(this));
};

const directory = path.join(state, 'data');
fs.mkdirSync(directory, { recursive: true });
const log = fs.openSync(path.join(state, 'access.log'), 'a');

S3Object.ALLOWED_METADATA.push(...checksums.names);

const app = new S3rver({
  directory,
  silent: true,
  vhostBuckets: false,
  // Ours has verified the signature by then; the package's own check knows neither our accounts nor
  // all characters.
  allowMismatchedSignatures: true,
  configureBuckets: buckets.map((item) => ({ name: item.split(':')[0] })),
});
app.silent = true;
app.store = app.context.store = new ObjectStore(directory);
const { registry, DUMMY_ACCOUNT } = require('@20minutes/s3rver/lib/models/account');
for (const { access, secret } of accounts) DUMMY_ACCOUNT.createKeyPair(access, secret);
registry.delete('S3RVER');

const lists = (tags, object) => tags === '*' || tags.split(/\s*,\s*/).includes(object.etag);

// The package ignores If-Match and If-Unmodified-Since, and all conditions of PUTs and of a copy's source (prefix).
async function checkPreconditions(ctx, bucket, key, prefix = '') {
  const [wanted, date, unwanted] =
    ['if-match', 'if-unmodified-since', 'if-none-match'].map((name) => ctx.req.headers[prefix + name]);
  if (!wanted && !date && !unwanted) return;
  const object = await ctx.store.getMetadata(bucket, key).catch(() => undefined);
  if (!object) return;
  const reads = !prefix && ctx.req.method !== 'PUT';      // of which the package answers 304 itself
  if ((wanted ? !lists(wanted, object) : new Date(object['last-modified']) > new Date(date)) ||
    (unwanted && !reads && lists(unwanted, object))) {
    throw refuse('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
  }
}

// The package knows neither whether an upload exists nor how to give one up. True: it was given up.
async function checkUpload(ctx, bucket) {
  const id = new URLSearchParams(ctx.req.url.split('?')[1]).get('uploadId');
  if (id === null) return false;
  const upload = path.join(ctx.store.getResourcePath(bucket, undefined, 'uploads'), encodeURIComponent(id));
  if (!fs.existsSync(upload)) {
    throw Object.assign(new S3Error('NoSuchUpload', 'The specified upload does not exist.'), { status: 404 });
  }
  if (ctx.req.method !== 'DELETE') return false;
  await fs.promises.rm(upload, { recursive: true });
  ctx.status = 204;
  return true;
}

// What S3 demands of a list of keys to delete, and the package does not look at.
async function checkDigest(ctx) {
  const { method, url, headers, promisedSha256, socket } = ctx.req;
  if (method !== 'POST' || !/\?delete(=|&|$)/.test(url)) return;
  if (!headers['content-md5'] && !Object.keys(headers).some((name) => /^x-amz-checksum-/.test(name))) {
    throw refuse('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const wrong = (name, form, wanted) => wanted && createHash(name).update(body).digest(form) !== wanted;
  if (wrong('md5', 'base64', headers['content-md5']) || wrong('sha256', 'hex', promisedSha256)) {
    throw refuse('BadDigest', 'The Content-MD5 or checksum value that you specified did not match what the server received.');
  }
  ctx.req = Object.assign(Readable.from([body]), { method, url, headers, socket });
}

// The package does not know encoding-type=url.
function encodeList(xml) {
  const plain = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'", '&amp;': '&' };
  const encode = (text) =>
    encodeURIComponent(
      text.replace(/&(lt|gt|quot|apos|amp);/g, (entity) => plain[entity])
        .replace(/&#x([0-9a-fA-F]+);/g, (_, hex) => String.fromCodePoint(parseInt(hex, 16))))
      .replaceAll('%2F', '/').replaceAll('%20', '+');
  return xml
    .replace(/<(Key|Prefix|Delimiter|StartAfter|Marker|NextMarker)>([^<]*)<\/\1>/g,
      (_, name, text) => `<${name}>${encode(text)}</${name}>`)
    .replace('</Name>', '</Name><EncodingType>url</EncodingType>');
}

// First of all: nothing reaches the package that is not signed by the bucket's owner.
app.middleware.unshift(async (ctx, next) => {
  const { method, url } = ctx.req;
  ctx.res.once('close', () =>
    fs.writeSync(log, `${new Date().toISOString()} ${method} ${url} ` +
      `${ctx.res.headersSent ? ctx.res.statusCode : '-'}${ctx.res.writableFinished ? '' : ' cut'}\n`));
  const [, bucket, key, query] = /^\/([^/?]*)\/?([^?]*)(.*)$/s.exec(url);
  // For clients that read until the connection ends.
  if (key.endsWith('/connection-close')) ctx.res.shouldKeepAlive = false;
  if (method === 'POST' && !key && !query && /^multipart\/form-data/.test(ctx.req.headers['content-type'])) {
    const posted = await form(ctx.req, bucket);
    if (owners.has(bucket) && owners.get(bucket) !== posted.signer) throw refuse('AccessDenied', 'Access Denied');
    const { md5 } = await ctx.store.putObject(new S3Object(bucket, posted.key, posted.content, posted.metadata));
    ctx.set('etag', `"${md5}"`);
    ctx.status = posted.status;
    return;
  }
  const signer = verify(ctx.req);
  if (owners.has(bucket) && owners.get(bucket) !== signer) throw refuse('AccessDenied', 'Access Denied');
  // As one segment, or else the package's router trips over empty ones, as in "a//b".
  if (key) ctx.req.url = `/${bucket}/${encodeURIComponent(decodeURIComponent(key))}${query}`;
  // The package knows bytes=A-B and bytes=A- only.
  const suffix = /^bytes=-(\d+)$/.exec(ctx.req.headers.range);
  if (suffix && key) {
    const object = await ctx.store.getMetadata(bucket, decodeURIComponent(key)).catch(() => undefined);
    if (object) ctx.req.headers.range = `bytes=${Math.max(0, object['content-length'] - suffix[1])}-`;
  }
  if (key && method !== 'DELETE') await checkPreconditions(ctx, bucket, decodeURIComponent(key));
  // The package decodes the source's name as if it were a whole URL.
  const source = ctx.req.headers['x-amz-copy-source'];
  if (source) {
    const name = decodeURIComponent(source.replace(/\?.*/, ''));
    const [, from, object] = /^\/?([^/]*)\/(.*)$/s.exec(name);
    await checkPreconditions(ctx, from, object, 'x-amz-copy-source-');
    ctx.req.headers['x-amz-copy-source'] = encodeURI(name);
  }
  if (await checkUpload(ctx, bucket)) return;
  await checkDigest(ctx);
  await next();
  if (ctx.req.headers['x-amz-checksum-mode'] !== 'ENABLED') checksums.names.forEach((name) => ctx.remove(name));
  if (typeof ctx.body === 'string' && ctx.type === 'application/xml') {
    ctx.body = escapedOnce(ctx.body);
    if (!key && /[?&]encoding-type=url(&|$)/.test(url)) ctx.body = encodeList(ctx.body);
  }
});
app.on('error', (error) => error instanceof S3Error || console.error(error));

async function main() {
  await app.configureBuckets();
  const server = patient(await app.listen(Number(port), '127.0.0.1'));
  const [one, two] = accounts;
  const bound = server.address().port;
  const env = {
    NEXUS_S3_URL: `http://127.0.0.1:${bound}`,
    NEXUS_S3_URL_L1: `http://10.0.2.2:${bound}`,
    NEXUS_S3_PORT: bound,
    NEXUS_S3_LOG: path.join(state, 'access.log'),
    AWS_ACCESS_KEY_ID: one.access,
    AWS_SECRET_ACCESS_KEY: one.secret,
    NEXUS_S3_ACCESS_KEY_2: two.access,
    NEXUS_S3_SECRET_KEY_2: two.secret,
    AWS_DEFAULT_REGION: region,
  };
  const text = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`).join('');
  fs.writeFileSync(path.join(state, 'env.new'), text, { mode: 0o600 });
  fs.renameSync(path.join(state, 'env.new'), path.join(state, 'env'));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
