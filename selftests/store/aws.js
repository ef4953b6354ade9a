'use strict';
// DynamoDB and Kinesis by their emulators; Lambda's Invoke API and a few JSON and query services by canned
// answers, as AWS documents them. usage: node aws.js STATE   (writes STATE/aws.env; run by `services start`)

const { createHash } = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const dynalite = require('dynalite');
const kinesalite = require('kinesalite');
const patient = require('./patience');

const state = process.argv[2];

const read = (req) =>
  new Promise((resolve) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
  });

/** Lambda: the function's name says what happens. */
async function lambda(req, res) {
  const body = await read(req);
  const match = /^\/2015-03-31\/functions\/([^/]+)\/invocations(\?.*)?$/.exec(req.url);
  const fail = (status, type, message) => {
    res.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type });
    res.end(JSON.stringify({ Type: status < 500 ? 'User' : 'Server', Message: message }));
  };
  if (!match) return fail(404, 'ResourceNotFoundException', `no such path: ${req.url}`);
  const name = decodeURIComponent(match[1]);
  const kind = req.headers['x-amz-invocation-type'] || 'RequestResponse';
  if (name === 'missing') return fail(404, 'ResourceNotFoundException', 'Function not found: missing');
  if (name === 'busy') return fail(429, 'TooManyRequestsException', 'Rate Exceeded.');
  if (name === 'unknown-error') return fail(400, 'NobodyKnowsThisException', 'never modelled');
  if (kind === 'Event') { res.writeHead(202); return res.end(); }
  if (kind === 'DryRun') { res.writeHead(204); return res.end(); }
  const headers = { 'content-type': 'application/json', 'x-amz-executed-version': '$LATEST' };
  if (req.headers['x-amz-log-type'] === 'Tail') headers['x-amz-log-result'] = Buffer.from('a log\n').toString('base64');
  if (name === 'fails') {
    res.writeHead(200, { ...headers, 'x-amz-function-error': 'Unhandled' });
    return res.end(JSON.stringify({ errorMessage: 'it failed', errorType: 'ValueError' }));
  }
  res.writeHead(200, headers);
  res.end(JSON.stringify({
    event: body.toString(), qualifier: match[2] || '', context: req.headers['x-amz-client-context'] || '' }));
}

/** Services of the JSON protocols: what was asked, and some members of other types. */
async function json(req, res) {
  const body = JSON.parse((await read(req)).toString() || '{}');
  const [, operation] = (req.headers['x-amz-target'] || '').split('.');
  const answer = (status, value) => {
    res.writeHead(status, { 'content-type': req.headers['content-type'], 'x-amzn-requestid': 'request' });
    res.end(JSON.stringify(value));
  };
  switch (operation) {
    case 'GetSecretValue':
      if (body.SecretId === 'missing') {
        return answer(400, { __type: 'ResourceNotFoundException', Message: "Secrets Manager can't find it." });
      }
      return answer(200, {
        ARN: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:s-abc', Name: body.SecretId, SecretString: 'hush',
        SecretBinary: Buffer.from('binary').toString('base64'), CreatedDate: 1700000000.5, VersionStages: ['AWSCURRENT'] });
    case 'GetParameter':
      if (body.Name === 'missing') return answer(400, { __type: 'ParameterNotFound' });
      return answer(200, { Parameter: {
        Name: body.Name, Type: 'String', Value: 'value', Version: 3, LastModifiedDate: 1700000000, DataType: 'text' } });
    case 'StartExecution':
      return answer(200, { executionArn: `${body.stateMachineArn}:${body.name}`, startDate: 1700000000.25 });
    case 'DescribeExecution':
      return answer(400, { __type: 'com.amazonaws.swf.service.v2.model#ExecutionDoesNotExist', message: 'no such execution' });
    case 'PutEvents':
      return answer(200, { FailedEntryCount: 0, Entries: body.Entries.map((_, i) => ({ EventId: `event-${i}` })) });
    case 'Encrypt':
      return answer(200, { CiphertextBlob: Buffer.from(body.Plaintext, 'base64').reverse().toString('base64'), KeyId: body.KeyId });
    default:
      return answer(400, { __type: 'UnknownOperationException' });
  }
}

/** Services of the query protocol. */
async function query(req, res) {
  const form = new URLSearchParams((await read(req)).toString());
  const xml = (status, text) => {
    res.writeHead(status, { 'content-type': 'text/xml' });
    res.end(text);
  };
  const ns = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"';
  const meta = '<ResponseMetadata><RequestId>a-request</RequestId></ResponseMetadata>';
  switch (form.get('Action')) {
    case 'Publish':
      if (form.get('TopicArn') === 'arn:aws:sns:us-east-1:123456789012:missing') {
        return xml(404, `<ErrorResponse ${ns}><Error><Type>Sender</Type><Code>NotFound</Code>` +
          '<Message>Topic does not exist</Message></Error><RequestId>a-request</RequestId></ErrorResponse>');
      }
      return xml(200, `<PublishResponse ${ns}><PublishResult><MessageId>` +
        `${form.get('Message').length}</MessageId></PublishResult>${meta}</PublishResponse>`);
    case 'ListTopics':
      return xml(200, `<ListTopicsResponse ${ns}><ListTopicsResult><Topics><member><TopicArn>a</TopicArn></member>` +
        `<member><TopicArn>b</TopicArn></member></Topics></ListTopicsResult>${meta}</ListTopicsResponse>`);
    case 'GetCallerIdentity':
      return xml(200, `<GetCallerIdentityResponse ${ns}><GetCallerIdentityResult><Arn>arn</Arn><UserId>u</UserId>` +
        `<Account>123456789012</Account></GetCallerIdentityResult>${meta}</GetCallerIdentityResponse>`);
    default:
      return xml(400, `<ErrorResponse ${ns}><Error><Code>InvalidAction</Code></Error></ErrorResponse>`);
  }
}

/** SQS, which speaks both protocols, with a queue of one message. */
async function sqs(req, res) {
  const text = (await read(req)).toString();
  const asked = req.headers['x-amz-target'] ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
  const operation = asked.Action || req.headers['x-amz-target'].split('.')[1];
  const xml = (name, inner) => `<${name}Response xmlns="http://queue.amazonaws.com/doc/2012-11-05/">${inner}` +
    `<ResponseMetadata><RequestId>request</RequestId></ResponseMetadata></${name}Response>`;
  const answer = (status, json, inner, headers = {}) => {
    res.writeHead(status, {
      'content-type': asked.Action ? 'text/xml' : 'application/x-amz-json-1.0', 'x-amzn-requestid': 'request', ...headers });
    res.end(asked.Action ? inner : JSON.stringify(json));
  };
  if (asked.QueueName === 'missing' || /missing$/.test(asked.QueueUrl)) {
    const code = 'AWS.SimpleQueueService.NonExistentQueue', message = 'The specified queue does not exist.';
    return answer(400, { __type: 'com.amazonaws.sqs#QueueDoesNotExist', message },
      `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message><Detail/></Error>` +
      '<RequestId>request</RequestId></ErrorResponse>', { 'x-amzn-query-error': `${code};Sender` });
  }
  const body = asked.MessageBody, md5 = body && createHash('md5').update(body).digest('hex');
  const message = { MessageId: 'm-1', ReceiptHandle: 'handle', MD5OfBody: createHash('md5').update('hello').digest('hex'), Body: 'hello' };
  const url = 'http://127.0.0.1/123456789012/queue';
  switch (operation) {
    case 'GetQueueUrl':
      return answer(200, { QueueUrl: url }, xml(operation, `<GetQueueUrlResult><QueueUrl>${url}</QueueUrl></GetQueueUrlResult>`));
    case 'ListQueues':
      return answer(200, { QueueUrls: [url, url + '2'] }, xml(operation,
        `<ListQueuesResult><QueueUrl>${url}</QueueUrl><QueueUrl>${url}2</QueueUrl></ListQueuesResult>`));
    case 'SendMessage':
      return answer(200, { MessageId: 'm-2', MD5OfMessageBody: md5 }, xml(operation, '<SendMessageResult>' +
        `<MessageId>m-2</MessageId><MD5OfMessageBody>${md5}</MD5OfMessageBody></SendMessageResult>`));
    case 'ReceiveMessage':
      if (/empty$/.test(asked.QueueUrl)) return answer(200, {}, xml(operation, '<ReceiveMessageResult/>'));
      return answer(200, { Messages: [{ ...message, Attributes: { SentTimestamp: '1700000000000' } }] }, xml(operation,
        '<ReceiveMessageResult><Message>' + Object.entries(message).map(([name, value]) => `<${name}>${value}</${name}>`).join('') +
        '<Attribute><Name>SentTimestamp</Name><Value>1700000000000</Value></Attribute></Message></ReceiveMessageResult>'));
    case 'GetQueueAttributes':
      return answer(200, { Attributes: { ApproximateNumberOfMessages: '1' } }, xml(operation, '<GetQueueAttributesResult>' +
        '<Attribute><Name>ApproximateNumberOfMessages</Name><Value>1</Value></Attribute></GetQueueAttributesResult>'));
    default:
      return answer(200, {}, xml(operation, ''));
  }
}

/** HTTP for urllib, urllib3 and requests. */
async function web(req, res) {
  const body = await read(req);
  const url = new URL(req.url, 'http://x');
  if (url.pathname === '/redirect') { res.writeHead(302, { location: '/hello?redirected=1' }); return res.end(); }
  if (url.pathname === '/status') { res.writeHead(Number(url.searchParams.get('code'))); return res.end('a status'); }
  if (url.pathname === '/large') { return res.end(Buffer.alloc(Number(url.searchParams.get('size')), 'nexus')); }
  if (url.pathname === '/chunks') {
    for (const piece of ['one ', 'two ', 'three']) res.write(piece);
    return res.end();
  }
  if (url.pathname === '/cookies') res.setHeader('set-cookie', ['a=1', 'b=2']);
  res.setHeader('content-type', 'application/json');
  const text = JSON.stringify({
    method: req.method, url: req.url, type: req.headers['content-type'] || null, length: body.length,
    body: body.length < 1000 ? body.toString('latin1') : '', custom: req.headers['x-custom'] || null,
    authorization: req.headers.authorization || null });
  res.setHeader('content-length', Buffer.byteLength(text));
  res.end(req.method === 'HEAD' ? undefined : text);
}

const listen = (server) =>
  new Promise((resolve) => patient(server).listen(0, '127.0.0.1', () => resolve(server.address().port)));

async function main() {
  const servers = {
    DYNAMODB: dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }),
    KINESIS: kinesalite({ createStreamMs: 0, deleteStreamMs: 0 }),
    LAMBDA: http.createServer(lambda),
    JSON: http.createServer(json),
    QUERY: http.createServer(query),
    SQS: http.createServer(sqs),
    WEB: http.createServer(web),
  };
  let text = '';
  for (const [name, server] of Object.entries(servers)) text += `export NEXUS_${name}_PORT=${await listen(server)}\n`;
  fs.writeFileSync(path.join(state, 'aws.new'), text);
  fs.renameSync(path.join(state, 'aws.new'), path.join(state, 'aws.env'));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
