// Runs a Node handler under the Lambda Runtime API, and reports as the managed runtimes do.
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const { env } = process, root = env.LAMBDA_TASK_ROOT, require = createRequire(root + '/');
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':'), agent = new http.Agent({ keepAlive: true });
let id; // of the request
let emptied = () => {}; // what to do when nothing is left to wait for

const call = (method, to, body, headers = {}) => new Promise((done, fail) => {
  const req = http.request({ host, port, agent, method, path: '/2018-06-01/runtime/' + to, headers }, (res) => {
    const parts = [];
    res.on('data', (part) => parts.push(part)).on('end', () => (res.statusCode < 300 ? done([res.headers, Buffer.concat(parts)]) : process.exit(1)));
  });
  req.on('error', fail).end(body);
});

const log = (level) => (...args) => process.stdout.write(`${new Date().toISOString()}\t${id}\t${level}\t${format(...args)}\n`);
Object.assign(console, { log: log('INFO'), info: log('INFO'), warn: log('WARN'), error: log('ERROR'), debug: log('DEBUG'), trace: log('TRACE') });

const isError = (e) => e instanceof Error || (e?.name && e.message && typeof e.stack === 'string');
const shown = (_, v) => (v instanceof Error ? { errorType: v.name, errorMessage: v.message, code: v.code, ...v, stack: v.stack?.split('\n') } : v);
const payload = (e) => (isError(e) ? { errorType: e.name, errorMessage: e.message, trace: e.stack.split('\n') } : { errorType: typeof e, errorMessage: String(e), trace: [] });
const fault = (kind, message, more) => {
  const e = Object.assign(new Error(message), more);
  Object.defineProperty(e, 'name', { value: 'Runtime.' + kind });
  e.stack = `${e.name}: ${e.stack.replace(/^Error: /, '')}`;
  return e;
};
const report = (what, e) => {
  console.error(`${what} \t${JSON.stringify(e, shown)}`);
  return call('POST', id ? `invocation/${encodeURIComponent(id)}/error` : 'init/error', JSON.stringify(payload(e)), { 'Lambda-Runtime-Function-Error-Type': id ? 'Unhandled' : payload(e).errorType });
};
let dying = false;
const die = (what, code) => async (e) => { if (dying) return; dying = true; await report(what, e).catch(() => {}); process.exit(code); };
process.on('uncaughtException', die('Uncaught Exception', 129));
process.on('unhandledRejection', (e) => die('Unhandled Promise Rejection', 128)(fault('UnhandledPromiseRejection', String(e), { reason: e })));
process.on('beforeExit', () => emptied());

const isModule = (dir) => {
  const file = path.join(dir, 'package.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file)).type === 'module';
  return path.dirname(dir) !== dir && path.basename(dir) !== 'node_modules' && isModule(path.dirname(dir));
};
const open = (file) => {
  const [js, mjs, cjs] = ['.js', '.mjs', '.cjs'].map((ext) => file + ext);
  if (existsSync(js)) return isModule(path.dirname(js)) ? import(pathToFileURL(js)) : require(js);
  return existsSync(mjs) ? import(pathToFileURL(mjs)) : existsSync(cjs) ? require(cjs) : require(path.basename(file));
};
const load = async (name) => {
  const [, dir, file, keys] = name.match(/^(.*\/)?([^./]*)\.(.*)$/) ?? [];
  if (!file || name.includes('..')) throw fault('MalformedHandlerName', 'Bad handler');
  let found = await (async () => open(path.resolve(root, dir ?? '', file)))().catch((e) => {
    if (e instanceof SyntaxError) throw fault('UserCodeSyntaxError', String(e));
    throw e.code === 'MODULE_NOT_FOUND' ? fault('ImportModuleError', String(e)) : e;
  });
  for (const key of keys.split('.')) found = found?.[key];
  if (!found) throw fault('HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof found !== 'function') throw fault('HandlerNotFound', `${name} is not a function`);
  return found;
};

const handler = await load(env._HANDLER).catch(die('Uncaught Exception', 129));
const isAsync = handler.constructor.name === 'AsyncFunction';
const next = async () => {
  id = undefined;
  const [headers, event] = await call('GET', 'invocation/next');
  id = headers['lambda-runtime-aws-request-id'];
  env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  let over = false;
  const end = (send) => { if (over) return; over = true; emptied = () => {}; send().then(next); };
  const answer = (value) => {
    let body;
    try { body = JSON.stringify(value) ?? 'null'; } catch { return fail(new Error('Unable to stringify response body')); }
    end(() => call('POST', `invocation/${encodeURIComponent(id)}/response`, body));
  };
  const fail = (e) => end(() => report('Invoke Error', e ?? 'handled'));
  const context = {
    callbackWaitsForEmptyEventLoop: true, succeed: answer, fail, done: (e, value) => (e == null ? answer(value) : fail(e)),
    functionName: env.AWS_LAMBDA_FUNCTION_NAME, functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION, memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME, logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME, awsRequestId: id,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'], getRemainingTimeInMillis: () => headers['lambda-runtime-deadline-ms'] - Date.now(),
  };
  const callback = (e, value) => {
    if (e != null) return fail(e);
    if (!context.callbackWaitsForEmptyEventLoop) return answer(value);
    emptied = () => answer(value);
  };
  emptied = () => (isAsync ? fail(fault('NodeJsExit', 'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes')) : answer(null));
  try {
    const result = handler(JSON.parse(event), context, callback);
    if (typeof result?.then === 'function') result.then(answer, fail);
  } catch (e) {
    fail(e);
  }
};
next();
