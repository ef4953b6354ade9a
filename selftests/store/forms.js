'use strict';
// Forms that browsers post to a bucket, checked as S3 does: the policy's signature, its time, that each of its conditions
// holds, and that it has one for each field. The server package takes any form.

const { createHmac } = require('crypto');
const busboy = require('busboy');

const MAX_BYTES = 64 << 20;
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

/** {fields, file, filename}: fields that come before the file, by names in lower case. */
function parse(req) {
  return new Promise((resolve, reject) => {
    const fields = new Map();
    let file = null, filename = '', done = false;
    const parser = busboy({ headers: req.headers, limits: { fileSize: MAX_BYTES } });
    parser.on('field', (name, value) => file || fields.set(name.toLowerCase(), value));
    parser.on('file', (name, stream, info, ...old) => {
      const chunks = [];
      filename = (info && info.filename) || (typeof info === 'string' ? info : '') || '';
      if (name !== 'file' || file) return stream.resume();
      file = chunks;
      stream.on('data', (chunk) => chunks.push(chunk));
    });
    parser.on('error', reject);
    const end = () => done || ((done = true), resolve({ fields, file: file && Buffer.concat(file), filename }));
    parser.on('finish', end).on('close', end);
    req.pipe(parser);
  });
}

/** The fields that a condition of the policy is about, or throws refuse() if it does not hold. */
function check(condition, fields, size, refuse) {
  const fail = () => refuse('AccessDenied', `Invalid according to Policy: Policy Condition failed: ${JSON.stringify(condition)}`);
  if (!Array.isArray(condition)) {
    return Object.entries(condition).map(([name, value]) => {
      if (fields.get(name.toLowerCase()) !== String(value)) throw fail();
      return name.toLowerCase();
    });
  }
  const [kind, name, value] = condition;
  if (kind.toLowerCase() === 'content-length-range') {
    if (size < name) throw refuse('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    if (size > value) throw refuse('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
    return [];
  }
  const given = fields.get(name.slice(1).toLowerCase()) ?? '';
  if (kind === 'starts-with' ? !given.startsWith(value) : given !== value) throw fail();
  return [name.slice(1).toLowerCase()];
}

/** Returns a function that takes a request and the bucket, and returns {signer, key, content, metadata, status}. */
module.exports = function former({ secrets, region, refuse }) {
  return async function form(req, bucket) {
    const { fields, file, filename } = await parse(req);
    if (!file) throw refuse('InvalidArgument', 'POST requires exactly one file upload per request.');
    const policy = fields.get('policy'), credential = fields.get('x-amz-credential') || '';
    const [signer, date, signedRegion, service] = credential.split('/');
    const secret = secrets.get(signer);
    if (!policy) throw refuse('AccessDenied', 'Access Denied: the form has no policy');
    if (secret === undefined || fields.get('x-amz-algorithm') !== 'AWS4-HMAC-SHA256') {
      throw refuse('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.');
    }
    const key = [date, signedRegion, service, 'aws4_request'].reduce(hmac, 'AWS4' + secret);
    if (signedRegion !== region || service !== 's3' || hmac(key, policy).toString('hex') !== fields.get('x-amz-signature')) {
      throw refuse('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.');
    }
    const { expiration, conditions } = JSON.parse(Buffer.from(policy, 'base64'));
    if (!(Date.parse(expiration) > Date.now())) throw refuse('AccessDenied', 'Invalid according to Policy: Policy expired.');
    fields.set('bucket', bucket);
    const covered = new Set(conditions.flatMap((condition) => check(condition, fields, file.length, refuse)));
    const extra = [...fields.keys()].find((name) => !covered.has(name) && !name.startsWith('x-ignore-') &&
      !['policy', 'x-amz-signature'].includes(name));
    if (extra) throw refuse('AccessDenied', `Invalid according to Policy: Extra input fields: ${extra}`);
    const metadata = {};
    for (const [name, value] of fields) {
      if (/^(content-type|cache-control|content-disposition|content-encoding|expires|x-amz-meta-.*)$/.test(name)) metadata[name] = value;
    }
    return { signer, key: (fields.get('key') || '').replaceAll('${filename}', filename), content: file, metadata,
      status: Number(fields.get('success_action_status')) || 204 };
  };
};
