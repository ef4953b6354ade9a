'use strict';
// Node ends a connection that was idle for 5 s: a client on a busy machine that takes it up again at that moment meets a
// reset, which is neither the client's fault nor a test's subject. Ten minutes are longer than any test pauses.

const IDLE_MS = 600_000;

/** The same server, which leaves idle connections and slow requests to their clients. */
module.exports = (server) => Object.assign(server, {
  keepAliveTimeout: IDLE_MS,
  headersTimeout: IDLE_MS + 60_000,
  // Uploads and downloads of GiBs through an emulated machine take their time.
  requestTimeout: 0,
});
