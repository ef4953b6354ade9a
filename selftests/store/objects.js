'use strict';
// How the server keeps objects in files. The package's own way maps a key's slashes to directories,
// so that some keys meet or leave the bucket, writes in place, so that a broken upload destroys the
// old object, and lists in the directory's order. S3 does none of that.

const { createHash } = require('crypto');
const fs = require('fs');
const path = require('path');
const { pipeline } = require('stream/promises');
const FilesystemStore = require('@20minutes/s3rver/lib/stores/filesystem');
const S3Error = require('@20minutes/s3rver/lib/models/error');
const S3Object = require('@20minutes/s3rver/lib/models/object');
const checksums = require('./checksums');

const SUFFIX = '._S3rver_object';
// A file name has 255 bytes at most: longer keys continue in directories whose names end in '%'.
const PIECE = 200;
const PART_MIN = 5 << 20;

const toPath = (key) => encodeURIComponent(key).match(new RegExp(`.{1,${PIECE}}`, 'g')).join('%/');
const toKey = (name) => decodeURIComponent(name.replaceAll('%/', ''));

let uploads = 0;

const refuse = (code, message) => Object.assign(new S3Error(code, message), { status: 400 });

module.exports = class ObjectStore extends FilesystemStore {
  getResourcePath(bucket, key, resource) {
    if (!key) return super.getResourcePath(bucket, key, resource);
    return path.join(this.rootDirectory, bucket, `${toPath(key)}._S3rver_${resource}`);
  }

  /** Whole and verified under its name, or not at all. */
  async putContent(target, content) {
    const partial = path.join(this.rootDirectory, `.partial-${++uploads}`);
    const sha256 = createHash('sha256');
    const md5 = createHash('md5');
    const promised = checksums.of(content.headers);
    let size = 0;
    try {
      await pipeline(
        Buffer.isBuffer(content) ? [content] : content,
        async function* (chunks) {
          for await (const chunk of chunks) {
            md5.update(chunk);
            if (content.promisedSha256) sha256.update(chunk);
            for (const checksum of promised) checksum.update(chunk);
            size += chunk.length;
            yield chunk;
          }
        },
        fs.createWriteStream(partial),
      );
      if (content.promisedSha256 && sha256.digest('hex') !== content.promisedSha256) {
        throw refuse('XAmzContentSHA256Mismatch',
          "The provided 'x-amz-content-sha256' header does not match what was computed.");
      }
      const wrong = promised.find((checksum) => checksum.digest() !== checksum.wanted);
      if (wrong) {
        throw wrong.sane ? refuse('BadDigest', `The ${wrong.name} you specified did not match what we received.`)
          : refuse('InvalidDigest', `The ${wrong.name} you specified was invalid.`);
      }
      await fs.promises.rename(partial, target);
    } catch (error) {
      await fs.promises.rm(partial, { force: true });
      throw error;
    }
    return [size, md5.digest('hex')];
  }

  async getObject(bucket, key, options) {
    // The package takes an end of 0 for none; a Number object is 0, and yet true.
    if (options?.end === 0) options = { ...options, end: new Number(0) };
    return super.getObject(bucket, key, options);
  }

  /** The package takes whatever parts it is told. */
  async putObjectMultipart(bucket, uploadId, parts) {
    const directory = path.join(this.getResourcePath(bucket, undefined, 'uploads'), uploadId);
    for (const [index, part] of parts.entries()) {
      const file = path.join(directory, String(part.number));
      const md5 = await fs.promises.readFile(`${file}.md5`, 'utf8').catch(() => undefined);
      if (md5 !== part.etag) throw refuse('InvalidPart', 'One or more of the specified parts could not be found.');
      if (index < parts.length - 1 && (await fs.promises.stat(file)).size < PART_MIN) {
        throw refuse('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
      }
    }
    return super.putObjectMultipart(bucket, uploadId, parts);
  }

  async deleteObject(bucket, key) {
    for (const resource of ['object', 'object.md5', 'metadata.json']) {
      await fs.promises.rm(this.getResourcePath(bucket, key, resource), { force: true });
    }
  }

  async listObjects(bucket, { delimiter = '', startAfter = '', prefix = '', maxKeys = Infinity }) {
    const files = await fs.promises.readdir(this.getBucketPath(bucket), { recursive: true });
    const after = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0;
    const keys = files
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => toKey(name.slice(0, -SUFFIX.length)))
      .filter((key) => key.startsWith(prefix) && after(key, startAfter))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

    const chosen = [];
    const commonPrefixes = new Set();
    let isTruncated = false;
    for (const key of keys) {
      const cut = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
      if (commonPrefixes.has(common)) continue;
      if (chosen.length + commonPrefixes.size >= maxKeys) {
        isTruncated = true;
        break;
      }
      if (common === undefined) chosen.push(key);
      else commonPrefixes.add(common);
    }
    const objects = await Promise.all(
      chosen.map(async (key) => new S3Object(bucket, key, null, await this.getMetadata(bucket, key))));
    return { objects, commonPrefixes: [...commonPrefixes], isTruncated };
  }
};
