// Evaluates lines of {"expr", "data"} with npm jsonata, one answer a line.
const jsonata = require(process.argv[2]);
const readline = require('readline');

function plain(x, depth = 0) {
  if (typeof x === 'function' || (x && x._jsonata_lambda)) return null;
  if (depth > 200) return null;
  if (Array.isArray(x)) return x.map(y => { const p = plain(y, depth + 1); return p === undefined ? null : p; });
  if (x && typeof x === 'object') {
    const o = {};
    for (const k of Object.keys(x)) {
      if (typeof x[k] === 'function' || (x[k] && x[k]._jsonata_lambda)) continue;
      const p = plain(x[k], depth + 1);
      if (p !== undefined) o[k] = p;
    }
    return o;
  }
  return x;
}

async function answer(line) {
  const { expr, data } = JSON.parse(line);
  try {
    const e = jsonata(expr);
    const timeout = new Promise(r => setTimeout(() => r('timeout'), 2000).unref());
    const v = await Promise.race([e.evaluate(data), timeout]);
    if (typeof v === 'function' || (v && v._jsonata_lambda)) return { undef: true };
    const p = plain(v);
    return p === undefined ? { undef: true } : { result: p };
  } catch (err) {
    return { code: err.code || 'JS', message: err.message, position: err.position, token: err.token };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(line)));
  }
})();
