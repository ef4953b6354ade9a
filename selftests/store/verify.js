'use strict';
// Signature Version 4, verified from AWS's specification and from the request as it arrived. The
// server package has a verifier too, but it accepts requests without a signature, and signatures
// that leave out the host, and it never looks at the payload's hash.

const { createHash, createHmac } = require('crypto');

const MAX_SKEW_MS = 15 * 60 * 1000;

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

/** Encodes every byte but A-Z a-z 0-9 - . _ ~, as SigV4 wants. */
const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());

const canonicalPath = (path) =>
  path.split('/').map((segment) => encode(decodeURIComponent(segment))).join('/');

const canonicalQuery = (query) =>
  query
    .split('&')
    .filter(Boolean)
    .map((pair) => {
      const [name, ...value] = pair.replace(/\+/g, ' ').split('=');
      return [name, value.join('=')].map((part) => encode(decodeURIComponent(part)));
    })
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map((pair) => pair.join('='))
    .join('&');

/** What the Authorization header says, out of a URL that was signed; or null. */
function presignedFields(req) {
  const query = new URLSearchParams(req.url.split(/\?(.*)/s)[1] || '');
  if (req.headers.authorization || query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') return null;
  const fields = ['Credential', 'SignedHeaders', 'Signature'].map((name) => query.get(`X-Amz-${name}`) || '');
  return Object.assign(['', ...fields], { query });
}

/**
 * Returns a function that takes an http.IncomingMessage and returns the access key that signed it,
 * or throws refuse(code, message). `secrets` maps access keys to secret keys. The payload is not
 * here yet: its promised hash is left in req.promisedSha256 for whoever reads it.
 */
module.exports = function verifier({ secrets, region, refuse }) {
  return function verify(req) {
    const presigned = presignedFields(req);
    const fields = presigned || /^AWS4-HMAC-SHA256 +Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/
      .exec(req.headers.authorization || '');
    if (!fields) throw refuse('AccessDenied', 'Access Denied: the request has no AWS4-HMAC-SHA256 authorization');
    const [, credential, signedList, signature] = fields;
    const [accessKey, date, signedRegion, service, last] = credential.split('/');
    const secret = secrets.get(accessKey);
    if (secret === undefined) {
      throw refuse('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.');
    }
    if (signedRegion !== region || service !== 's3' || last !== 'aws4_request') {
      throw refuse('AuthorizationHeaderMalformed', `The credential scope must be DATE/${region}/s3/aws4_request`);
    }

    const signed = signedList.split(';');
    const unsigned = Object.keys(req.headers).find(
      (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name));
    if (unsigned) {
      throw refuse('AccessDenied', `There were headers present in the request which were not signed: ${unsigned}`);
    }
    const time = (presigned ? presigned.query.get('X-Amz-Date') : req.headers['x-amz-date']) || '';
    const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
    if (!parts || !time.startsWith(date)) {
      throw refuse('AccessDenied', 'AWS authentication requires a valid x-amz-date header');
    }
    const [, year, month, day, hour, minute, second] = parts.map(Number);
    const age = Date.now() - Date.UTC(year, month - 1, day, hour, minute, second);
    const expires = presigned && Number(presigned.query.get('X-Amz-Expires')) * 1000;
    if (presigned && (!(expires >= 1000 && expires <= 604800000) || age > expires || age < -MAX_SKEW_MS)) {
      throw refuse('AccessDenied', 'Request has expired');
    }
    if (!presigned && Math.abs(age) > MAX_SKEW_MS) {
      throw refuse('RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.');
    }
    const payload = presigned ? 'UNSIGNED-PAYLOAD' : req.headers['x-amz-content-sha256'];
    if (!payload) throw refuse('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');

    const [path, sent = ''] = req.url.split(/\?(.*)/s);
    const query = presigned ? sent.replace(/(^|&)X-Amz-Signature=[^&]*/, '') : sent;
    let request;    // a character for each byte, as node gives headers
    try {
      request = [
        req.method,
        canonicalPath(path),
        canonicalQuery(query),
        ...signed.map((name) => `${name}:${String(req.headers[name] ?? '').trim().replace(/[ \t]+/g, ' ')}`),
        '',
        signedList,
        payload,
      ].join('\n');
    } catch {
      throw refuse('InvalidURI', "Couldn't parse the specified URI.");
    }
    const scope = credential.slice(accessKey.length + 1);
    const key = [date, region, 's3', 'aws4_request'].reduce(hmac, 'AWS4' + secret);
    const wanted = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(Buffer.from(request, 'latin1'))].join('\n')).toString('hex');
    if (wanted !== signature) {
      throw refuse('SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. ' +
        'Check your key and signing method.', { CanonicalRequest: request });
    }
    if (/^[0-9a-f]{64}$/.test(payload)) req.promisedSha256 = payload;
    return accessKey;
  };
};
