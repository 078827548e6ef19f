// A function that does as its event says.
class CardDeclined extends Error {
  constructor(message) { super(message); this.name = 'CardDeclined'; }
}
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
let calls = 0;

const does = {
  echo: (event) => event.value,
  context: (event, c) => ({
    pid: process.pid, calls, id: c.awsRequestId, arn: c.invokedFunctionArn, name: c.functionName,
    memory: c.memoryLimitInMB, left: c.getRemainingTimeInMillis() / 1000,
  }),
  error: () => { throw new TypeError('no luck'); },
  custom: async () => { await sleep(0.01); throw new CardDeclined('card 1234 was declined'); },
  string: () => { throw 'just text'; },
  uncaught: () => { setTimeout(() => { throw new Error('too late'); }, 10); return sleep(5); },
  unhandled: () => { Promise.reject(new Error('nobody cares')); return sleep(5); },
  exit: () => { console.log('last words'); process.exit(4); },
  circular: () => { const o = {}; o.o = o; return o; },
  never: () => new Promise(() => {}),
  sleep: async (event) => { console.log('going to sleep'); await sleep(event.seconds); return 'rested'; },
  big: (event) => 'x'.repeat(event.mb << 20),
  log: () => { console.log('to stdout', { a: 1 }); console.error('to stderr'); },
  hog: async (event) => { const hog = Buffer.alloc(event.mb << 20, 1); await sleep(5); return hog.length; },
};

exports.handler = async (event, context) => { calls++; return does[event.do](event, context); };
exports.sync = (event) => { throw new RangeError('at once'); };
exports.forgets = () => {};
exports.callback = (event, context, callback) => {
  setTimeout(() => (event.fail ? callback(new CardDeclined('by callback')) : callback(null, event.value)), 10);
};
exports.hasty = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setTimeout(() => {}, 60000);
  callback(null, 'done');
};
exports.notAFunction = 1;
