'use strict';
// The checksums of its content that a request may bring, which the package does not look at.

const { createHash } = require('crypto');

/** Of reversed bits, with what we use of a hash. */
function crc(polynomial) {
  const table = Uint32Array.from({ length: 256 }, (_, value) => {
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
  return () => {
    let value = ~0;
    return {
      update(chunk) {
        for (const byte of chunk) value = table[(value ^ byte) & 0xff] ^ (value >>> 8);
      },
      digest() {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(~value >>> 0);
        return bytes.toString('base64');
      },
    };
  };
}

function hash(name) {
  return () => {
    const context = createHash(name);
    return { update: (chunk) => context.update(chunk), digest: () => context.digest('base64') };
  };
}

const makers = {
  'content-md5': hash('md5'),
  'x-amz-checksum-crc32': crc(0xedb88320),
  'x-amz-checksum-crc32c': crc(0x82f63b78),
  'x-amz-checksum-sha1': hash('sha1'),
  'x-amz-checksum-sha256': hash('sha256'),
};

/** Those that S3 keeps with the object. */
exports.names = Object.keys(makers).filter((name) => name.startsWith('x-amz-'));

/** For each that the headers bring: name, wanted, sane (that could be one), update(chunk), digest(). */
exports.of = (headers = {}) =>
  Object.keys(makers).filter((name) => headers[name]).map((name) => {
    const wanted = headers[name];
    return Object.assign(makers[name](), { name, wanted, sane: wanted.length === makers[name]().digest().length });
  });
