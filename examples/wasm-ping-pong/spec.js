// The text of a spec, which is JSON: what may stand at a place of it, what the ticks make of it, and
// what it makes of the ticks. The schemas are those of the module's plug-ins.

// Which layer a tick stands for.
const TICKS = { trace: 'trace', metrics: 'metrics', retry: 'retry', faults: 'fault-injection', timeout: 'timeout' };
// From the inside out, where a tick puts a layer.
const ORDER = ['fault-injection', 'record', 'retry', 'timeout', 'metrics', 'trace'];
const TIMES = ['10ms', '100ms', '1s', '10s'];

// Ticks

// The spec as those ticks have it.
export function fromTicks(chosen) {
  const spec = { role: 'Alice', handler: { use: 'inmemory' }, layers: [{ use: 'record' }] };
  for (const tick of Object.keys(TICKS)) toggle(spec.layers, tick, chosen);
  return show(spec);
}

// The text once a tick, or a number beside one, has changed.
export function withTick(text, id, chosen) {
  const spec = parts(text);
  if (!spec) return fromTicks(chosen);
  const all = (use) => spec.layers.filter((layer) => layer.use === use);
  const [, tick] = id.match(/^layer-(.*)/) ?? [];
  if (tick) toggle(spec.layers, tick, chosen);
  if (id === 'timeout-limit') all('timeout').forEach((layer) => Object.assign(layer, limits(chosen)));
  if (id === 'fault-seed') all(TICKS.faults).forEach((layer) => { layer.seed = chosen.seed; });
  if (id === 'fault-rate') all(TICKS.faults).forEach((layer) => { layer.before_send = chosen.rate / 100; });
  if (id === 'slow') {
    const other = pauses(!chosen.pace);
    for (const layer of all('retry')) {
      const untouched = Object.entries(other).every(([name, value]) => layer[name] === value);
      if (untouched) Object.assign(layer, pauses(chosen.pace));
    }
  }
  return show(spec);
}

// What the ticks show of a text: which are on, and the numbers beside them, `null` for one that
// does not fit there. Nothing where the text is no spec.
export function ticks(text) {
  const spec = parts(text);
  if (!spec) return null;
  const layer = (tick) => spec.layers.find(({ use }) => use === TICKS[tick]);
  const on = Object.fromEntries(Object.keys(TICKS).map((tick) => [tick, Boolean(layer(tick))]));
  const numbers = {};
  const { timeout, faults } = { timeout: layer('timeout'), faults: layer('faults') };
  if (timeout) {
    const limit = milliseconds(timeout.send);
    numbers['timeout-limit'] = timeout.send === timeout.recv && limit >= 1 && limit <= 60000 ? limit : null;
  }
  if (faults) {
    const { seed = 0, before_send: rate = 0 } = faults;
    numbers['fault-seed'] = Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32 ? seed : null;
    numbers['fault-rate'] = rate >= 0 && rate <= 1 ? Number((rate * 100).toFixed(6)) : null;
  }
  return { on, numbers };
}

function toggle(layers, tick, chosen) {
  const use = TICKS[tick];
  const there = layers.some((layer) => layer.use === use);
  if (chosen[tick] === there) return;
  if (there) {
    layers.splice(0, layers.length, ...layers.filter((layer) => layer.use !== use));
    return;
  }
  const below = layers.map((layer) => ORDER.indexOf(layer.use) < ORDER.indexOf(use));
  const made = {
    trace: {}, metrics: { time_every: 1 }, timeout: limits(chosen),
    retry: { retries: 5, ...pauses(chosen.pace) },
    faults: { seed: chosen.seed, before_send: chosen.rate / 100 },
  };
  layers.splice(below.lastIndexOf(true) + 1, 0, { use, ...made[tick] });
}

function limits({ limit }) {
  return { send: `${limit}ms`, recv: `${limit}ms` };
}

// Retry's, at the pace of slow motion where that is on.
function pauses(slow) {
  return { base_delay: slow ? '250ms' : '2ms', max_delay: slow ? '500ms' : '4ms', jitter: false };
}

function milliseconds(time) {
  const [, count, unit] = /^(\d+) ?(ms|s|min)$/.exec(time) ?? [];
  return count * { ms: 1, s: 1000, min: 60000 }[unit];
}

// The object of a text, if it has the layers of a spec.
function parts(text) {
  let spec;
  try { spec = JSON.parse(text); } catch { return null; }
  const fits = Array.isArray(spec?.layers) && spec.layers.every((layer) => layer?.use);
  return fits ? spec : null;
}

// A line for each part that fits on one.
function show(value, indent = '') {
  const flat = JSON.stringify(value, null, 1).replace(/\n */g, ' ');
  if (indent && flat.length + indent.length <= 64 && !Array.isArray(value)) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (!value.length) return '[]';
    return `[\n${value.map((item) => deeper + show(item, deeper)).join(',\n')}\n${indent}]`;
  }
  if (value === null || typeof value !== 'object') return flat;
  const members = Object.entries(value).map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${show(item, deeper)}`);
  return `{\n${members.join(',\n')}\n${indent}}`;
}

// Suggestions

// What may stand at the caret: which part of the text each would replace, and the suggestions. Each
// has a label, a detail, a text to insert, and how much of that is selected afterwards, from its end.
// `all` has them even where none begins as what is typed.
export function suggest(text, caret, schemas, all = false) {
  const place = look(text, caret);
  if (!place) return null;
  const { typed, from, to } = place;
  const wanted = typed.replace(/^"/, '').toLowerCase();
  const rank = ({ label }) => label.toLowerCase().replace(/^"/, '').indexOf(wanted);
  const known = offers(place, schemas);
  const items = known.filter((item) => rank(item) >= 0);
  if (all && !items.length) return { from, to, items: known };
  items.sort((one, other) => Math.sign(rank(one)) - Math.sign(rank(other)));
  return { from, to, items };
}

function offers({ frame, key, wants, after, before }, { handlers, layers }) {
  const [top, index, ...deeper] = frame.path;
  const end = wants === 'key' && /^\s*"/.test(after) ? ', ' : '';
  const member = (name, value, detail, doc) => {
    // What is renamed keeps its value.
    if (/^\s*:/.test(after)) return { label: name, detail, doc, insert: `${before}"${name}"`, select: [0, 0] };
    const insert = `${before}"${name}": ${value}${end}`;
    // Of a text, what is between the quotes; of a list or an object, nothing, but inside.
    const edge = /^["[{]/.test(value) ? 1 : 0;
    return { label: name, detail, doc, insert, select: [value.length - edge + end.length, edge + end.length] };
  };
  const value = (json, detail, doc) => ({ label: json, detail, doc, insert: before + json + end, select: [0, 0] });
  const part = ({ title, description, properties: { use } }) => (
    { ...value(`{ "use": ${JSON.stringify(use.const)} }`, title, description), label: use.const });

  if (frame.path.length === 0) {
    if (wants === 'value') {
      return { role: [value('"Alice"')], handler: handlers.map(part) }[key] ?? [];
    }
    return [
      member('role', '"Alice"', 'text', 'The role that the stack plays.'),
      member('handler', '{ "use": "inmemory" }', 'handler', 'What speaks to the other roles.'),
      member('layers', '[]', 'list', 'What is around the handler, from the inside out.'),
    ].filter(({ label }) => !frame.keys.includes(label) || label === key);
  }
  if (frame.list) return top === 'layers' && index === undefined ? layers.map(part) : [];

  const known = { handler: index === undefined && handlers, layers: deeper.length === 0 && index !== undefined && layers }[top];
  if (!known) return [];
  if (wants === 'value' && key === 'use') {
    return known.map(({ title, description, properties }) => value(JSON.stringify(properties.use.const), title, description));
  }
  const schema = known.find(({ properties }) => properties.use.const === frame.use);
  if (wants === 'value') return values(schema?.properties[key], value);
  const options = Object.entries(schema?.properties ?? {}).filter(([name]) => name !== 'use');
  const all = options.map(([name, option]) => member(name, start(option), kind(option), option.description));
  if (!frame.use) all.unshift(member('use', '""', 'name', 'Which plug-in it is.'));
  return all.filter(({ label }) => !frame.keys.includes(label) || label === key);
}

// The values that an option's schema names.
function values(option, value) {
  if (!option) return [];
  const { default: preset, enum: names = [], type, pattern, description } = option;
  const all = new Map();
  if (preset !== undefined) all.set(JSON.stringify(preset), 'default');
  const more = [...names, ...(type === 'boolean' ? [true, false] : [])];
  if (pattern) more.push(...TIMES.filter((time) => new RegExp(pattern).test(time)));
  for (const name of more.map((name) => JSON.stringify(name))) if (!all.has(name)) all.set(name, '');
  return [...all].map(([json, detail]) => value(json, detail, description));
}

// What an option has to begin with.
function start({ default: preset, enum: names, type }) {
  if (preset !== undefined) return JSON.stringify(preset);
  if (names) return JSON.stringify(names[0]);
  return { integer: '0', number: '0', boolean: 'true', array: '[]' }[type] ?? '""';
}

// Of which kind an option is, in a word.
function kind({ default: preset, enum: names, type, pattern, minimum, maximum }) {
  if (preset !== undefined) return `= ${JSON.stringify(preset)}`;
  if (names) return names.join(' | ');
  if (maximum <= 1) return `${minimum} to ${maximum}`;
  return { integer: 'whole number', boolean: 'true or false', array: 'list' }[type] ?? (pattern ? 'time' : type);
}

// Reads JSON as far as it is any, and tells what is at the caret: in which object or list, whether a
// key or a value is due there, and what of it is typed already.
function look(text, caret) {
  const token = /"(?:[^"\\\n]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/y;
  let frame = null;
  let last = 0; // the end of the token before
  let place = null;
  const here = (from, to) => {
    if (!frame) return null;
    const { due, list, key } = frame;
    // Where a comma is due, it comes along.
    const comma = due === 'comma' && from === to;
    const wants = list || due === 'value' ? 'value' : 'key';
    if (due === 'colon') return null;
    return {
      frame, wants, key: wants === 'value' ? key : undefined, typed: text.slice(from, caret),
      before: comma ? ', ' : '', from: comma ? last : from, to, after: text.slice(to),
    };
  };
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text[at])) { at += 1; continue; }
    if (!place && caret <= at) place = here(caret, caret) ?? {};
    token.lastIndex = at;
    const [found] = token.exec(text);
    const inside = caret > at && (caret < at + found.length
      || (caret === at + found.length && (!/["{}[\],:]$/.test(found) || found === '"')));
    let end = at + found.length;
    if (inside) {
      // A text that is not closed yet has taken what comes after: names have none of these.
      const rest = /["\n,:{}[\]]|$/.exec(text.slice(caret));
      if (found[0] === '"') end = caret + rest.index + (rest[0] === '"' ? 1 : 0);
      if (found[0] === '"' && rest[0] !== '"') end = caret;
      place = here(at, end) ?? {};
      if (place.wants === 'key') place.key = plain(text.slice(at, end));
    }
    frame = step(frame, text.slice(at, end));
    at = last = end;
  }
  place ??= here(caret, caret) ?? {};
  return place.frame ? place : null;
}

// What there is after one more token.
function step(frame, token) {
  const open = (list) => {
    const name = frame && (frame.list ? frame.count : frame.key);
    const path = frame ? [...frame.path, name] : [];
    return { list, path, parent: frame, due: list ? 'value' : 'key', count: 0, keys: [] };
  };
  if (token === '{' || token === '[') return open(token === '[');
  if (!frame) return null;
  if (token === '}' || token === ']') {
    if (frame.parent) frame.parent.due = 'comma';
    return frame.parent;
  }
  if (token === ',') {
    frame.count += 1;
    frame.due = frame.list ? 'value' : 'key';
  } else if (token === ':') {
    frame.due = 'value';
  } else if (frame.due === 'value') {
    if (frame.key === 'use') frame.use = plain(token);
    frame.due = 'comma';
  } else {
    frame.key = plain(token);
    frame.keys.push(frame.key);
    frame.due = 'colon';
  }
  return frame;
}

function plain(token) {
  return token.replace(/^"|"$/g, '');
}
