// The page around the WebAssembly module: reads the form, runs, draws what the run says.
// Everything that comes from a run goes in as text, or as parsed SVG, never as HTML.

const PACE = 250; // milliseconds a step in slow motion
const LAYERS = ['trace', 'metrics', 'retry', 'faults', 'timeout']; // in the order of the module's bits

const element = (id) => document.getElementById(id);
const form = element('form');
const narrow = matchMedia('(max-width: 59.99rem)');
const calm = matchMedia('(prefers-reduced-motion: reduce)');

let choreo; // the module, once it is loaded
let editor; // of the stack's spec, where the module takes specs
let running = null;

// Loading

async function load() {
  readLink();
  try {
    choreo = await import('./pkg/wasm_ping_pong.js');
  } catch {
    return notLoaded('The module is not built yet: there is no folder “pkg” beside this page.',
      'Run ./build.sh in the folder of the example, then reload.');
  }
  try {
    await choreo.default();
  } catch (cause) {
    return notLoaded(`The browser could not start the module: ${cause.message}.`,
      'It takes Chrome or Edge 96, Firefox 79, Safari 15, or later. With one of those, run ./build.sh again, then reload.');
  }
  if (choreo.describeSpec) await edit();
  element('run').setAttribute('aria-disabled', 'false');
  state('ready', 'Ready');
  describe();
  if (new URLSearchParams(location.search).has('run')) start();
}

function notLoaded(what, advice) {
  state('failed', 'Not loaded');
  showError({ message: what, advice });
}

// The spec of the stack: its text is the truth, and the ticks go with it

let spec; // what spec.js has

async function edit() {
  const [{ Editor }, module] = await Promise.all([import('./editor.js'), import('./spec.js')]);
  spec = module;
  const schemas = JSON.parse(choreo.specSchemas());
  editor = new Editor(element('spec-editor'), {
    check: wrong,
    suggest: (text, caret, all) => spec.suggest(text, caret, schemas, all),
    changed: () => { if (!editor.wrong) showTicks(); describe(); },
  });
  element('suggest').hidden = false;
  element('spec-box').hidden = false;
  element('path-title').textContent = 'The way of each call. Dashed is the page’s own layer, which sets the pace.';
  const linked = new URLSearchParams(location.search).get('spec');
  editor.text = linked ?? spec.fromTicks(options());
  if (linked !== null) showTicks();
}

// What is wrong with a text, and where; nothing if nothing is.
function wrong(text) {
  try {
    choreo.describeSpec(text);
    return null;
  } catch ({ message }) {
    const [, line, column, why] = /^JSON:(\d+):(\d+): (.*)/s.exec(message) ?? [];
    if (line) return { line: Number(line), column: Number(column), message: `Line ${line}, column ${column}: ${why}` };
    return { message: message.replace(/^JSON: /, '') };
  }
}

// Writes a tick, or a number beside it, into the text, unless it is out of range.
function writeTick({ target }) {
  if (!editor || !target.closest('fieldset, #slow')) return;
  const chosen = options();
  try { checkField(target.id, chosen); } catch { return; }
  editor.text = spec.withTick(editor.text, target.id, chosen);
}

// Ticks what the text has.
function showTicks() {
  const shown = spec.ticks(editor.text);
  if (!shown) return;
  for (const layer of LAYERS) element(`layer-${layer}`).checked = shown.on[layer];
  for (const [id, number] of Object.entries(shown.numbers)) {
    const field = element(id);
    field.disabled = number === null;
    field.title = field.disabled ? 'The spec has what does not fit here.' : '';
    if (number !== null) field.value = number;
  }
}

// Settings: the form, and links to a run

function options() {
  const chosen = { message: element('message').value, rounds: element('rounds').valueAsNumber };
  for (const layer of LAYERS) chosen[layer] = element(`layer-${layer}`).checked;
  chosen.limit = element('timeout-limit').valueAsNumber;
  chosen.seed = element('fault-seed').valueAsNumber;
  chosen.rate = element('fault-rate').valueAsNumber;
  chosen.pace = element('slow').checked ? PACE : 0;
  return chosen;
}

// The layers' bits, as the module takes them.
function bits(chosen) {
  return LAYERS.reduce((bits, layer, index) => bits | (chosen[layer] << index), 0);
}

// Throws what is out of range, and at which field.
function check(chosen) {
  const length = [...chosen.message].length;
  if (!length) throw problem('message', 'The message is empty.', 'Type one.');
  if (length > 200) throw problem('message', 'The message is too long.', 'It takes up to 200 characters.');
  checkWhole(chosen.rounds, 1, 50, 'rounds', 'The number of rounds');
  const fields = [...chosen.timeout ? ['timeout-limit'] : [], ...chosen.faults ? ['fault-seed', 'fault-rate'] : []];
  for (const id of fields) if (!element(id).disabled) checkField(id, chosen);
}

// The same for one field of a layer.
function checkField(id, { limit, seed, rate }) {
  if (id === 'timeout-limit') checkWhole(limit, 1, 60000, id, 'The limit');
  if (id === 'fault-seed') checkWhole(seed, 0, 2 ** 32 - 1, id, 'The seed');
  if (id === 'fault-rate' && !(rate >= 0 && rate <= 100)) {
    throw problem(id, 'The rate of faults is not a percentage.', 'It takes a number from 0 to 100.');
  }
}

function checkWhole(number, least, most, field, what) {
  if (Number.isInteger(number) && number >= least && number <= most) return;
  throw problem(field, `${what} is out of range.`, `It takes a whole number from ${least} to ${most}.`);
}

function problem(field, message, advice) {
  return { field, message, advice };
}

function linkToRun() {
  const chosen = options();
  const query = new URLSearchParams({
    message: chosen.message,
    rounds: element('rounds').value,
    layers: LAYERS.filter((layer) => chosen[layer]).join(' '),
    limit: element('timeout-limit').value,
    rate: element('fault-rate').value,
    seed: element('fault-seed').value,
    slow: chosen.pace ? 'yes' : 'no',
    ...editor && { spec: editor.text },
    run: '',
  });
  return `${location.origin}${location.pathname}?${query}`;
}

function readLink() {
  const query = new URLSearchParams(location.search);
  const fields = {
    message: 'message', rounds: 'rounds', limit: 'timeout-limit', rate: 'fault-rate', seed: 'fault-seed',
  };
  for (const [name, id] of Object.entries(fields)) {
    if (query.has(name)) element(id).value = query.get(name);
  }
  if (query.has('layers')) {
    const layers = query.get('layers').split(' ');
    for (const layer of LAYERS) element(`layer-${layer}`).checked = layers.includes(layer);
  }
  if (query.has('slow')) element('slow').checked = query.get('slow') !== 'no';
}

// The stack, as the form has it

// Its types from the outside in, as the module builds it.
function stack(chosen) {
  if (editor) {
    const types = choreo.describeSpec(editor.text).replace(/>*$/, '').split('<');
    return chosen.pace ? ['SlowMotion', ...types] : types;
  }
  const types = [
    ['SlowMotion', chosen.pace], ['Trace', chosen.trace], ['Metrics', chosen.metrics],
    ['Timeout', chosen.timeout], ['Retry', chosen.retry], ['Record', true],
    ['FaultInjection', chosen.faults], ['InMemoryHandler', true],
  ];
  return types.filter(([, on]) => on).map(([name]) => name);
}

function describe() {
  if (!choreo) return;
  // While the spec is wrong, this is what it was.
  for (const id of ['stack', 'path']) element(id).classList.toggle('stale', Boolean(editor?.wrong));
  if (editor?.wrong) return;
  const all = stack(options());
  const own = (name) => name === 'SlowMotion' || (name === 'Record' && !editor);
  const chosen = all.filter((name) => !own(name));
  // A long type breaks between its layers rather than within a name.
  const opened = chosen.slice(0, -1).flatMap((name) => [`${name}<`, make('wbr')]);
  element('stack').replaceChildren(...opened, chosen[chosen.length - 1] + '>'.repeat(chosen.length - 1));
  element('path').replaceChildren(...['program', ...all, 'network'].map((name, index) => {
    const station = make('span', name);
    if (index === 0 || index === all.length + 1) station.className = 'end';
    if (own(name)) station.className = 'own';
    const item = make('li');
    item.append(station);
    return item;
  }));
}

// Running

async function start() {
  if (running || !choreo) return;
  clearError();
  let run;
  try {
    const chosen = options();
    check(chosen);
    run = editor ? overSpec(chosen) : new choreo.Run(chosen.message, chosen.rounds, bits(chosen),
      chosen.pace, chosen.limit, chosen.seed, chosen.rate);
    run.layers = editor ? layersOf(editor.text) : { ...chosen, record: true };
  } catch (error) {
    state('failed', 'Not started');
    return showError(error);
  }
  running = run;
  element('run').setAttribute('aria-disabled', 'true');
  element('stop').hidden = false;
  element('reply').textContent = '';
  element('trace-log').replaceChildren();
  state('running', 'Running');
  if (narrow.matches) {
    element(editor ? 'diagram' : 'results').scrollIntoView({ behavior: calm.matches ? 'auto' : 'smooth' });
  }

  const began = performance.now();
  let frame = requestAnimationFrame(function redraw() {
    if (!choreo) return;
    draw(run);
    frame = requestAnimationFrame(redraw);
  });
  try {
    const reply = await run.start();
    if (reply === undefined) {
      state('ready', 'Stopped');
    } else {
      element('reply').textContent = reply;
      state('done', `Done in ${duration(performance.now() - began)}`);
    }
  } catch (error) {
    state('failed', 'Failed');
    const [message, advice, detail] = error.message.split('\n');
    showError({ message, advice, detail });
  }
  cancelAnimationFrame(frame);
  drawn.version = undefined; // what is not recorded may have changed, too
  draw(run);
  run.free();
  running = null;
  element('stop').hidden = true;
  element('run').setAttribute('aria-disabled', 'false');
}

function overSpec({ message, rounds, pace }) {
  const fault = editor.judge();
  if (fault) throw { spec: true, message: 'The spec is wrong, so nothing runs.', advice: fault.message };
  return choreo.Run.overSpec(message, rounds, editor.text, pace);
}

function layersOf(text) {
  const types = choreo.describeSpec(text);
  const has = (type) => types.includes(`${type}<`);
  return { trace: has('Trace'), metrics: has('Metrics'), record: has('Record') };
}

function crashed() {
  choreo = null; // whatever it held is in no state to go on
  element('stop').hidden = true;
  element('run').setAttribute('aria-disabled', 'true');
  notLoaded('The WebAssembly module stopped in the middle of its work.', 'Reload the page.');
}

// Drawing

let drawn = {};

function draw(run) {
  const { version } = run;
  if (drawn.run === run && drawn.version === version) return;
  const known = drawn.run === run ? drawn.rows : 0;
  drawn = { run, version, rows: run.layers.record ? drawDiagram(run.svg, known) : 0 };
  if (!run.layers.record) hint('diagram', 'Add the layer “record” to see what happens.');
  element('mermaid').textContent = run.mermaid;
  drawCounters(run);
  drawTrace(run);
}

// As the recording draws it, but without the times, so that the same faults give the same picture.
function drawDiagram(source, known) {
  const parsed = new DOMParser().parseFromString(source, 'image/svg+xml').documentElement;
  const svg = document.importNode(parsed, true);
  svg.querySelectorAll('.choreo-time').forEach((time) => time.remove());
  const rows = svg.querySelectorAll('.choreo-row');
  rows.forEach((row, index) => row.classList.toggle('new', index >= known));
  const box = element('diagram');
  box.replaceChildren(svg);
  const { x, y, width, height } = svg.getBBox();
  svg.setAttribute('viewBox', `${x - 8} ${y - 8} ${width + 16} ${height + 16}`);
  svg.setAttribute('width', width + 16);
  svg.setAttribute('height', height + 16);
  svg.style.minWidth = `${Math.min(width + 16, 360)}px`; // smaller is hard to read; it scrolls
  if (running) box.scrollTop = box.scrollHeight;
  return rows.length;
}

function drawCounters(run) {
  if (!run.layers.metrics) return hint('counters', 'Tick Metrics to count.');
  const table = make('table');
  const head = table.createTHead().insertRow();
  for (const title of ['Role', 'Operation', 'Count', 'Errors', 'Bytes', 'Waited', 'Mean wait']) {
    const cell = make('th', title);
    cell.scope = 'col';
    head.append(cell);
  }
  const body = table.createTBody();
  const { counters } = run;
  const operations = [
    ['Alice', 'send to Bob'], ['Alice', 'receive from Bob'],
    ['Bob', 'send to Alice'], ['Bob', 'receive from Alice'],
  ];
  for (const [index, [name, operation]] of operations.entries()) {
    const [count, errors, bytes, waited, wait] = counters.slice(5 * index);
    if (count + errors === 0) continue;
    const row = body.insertRow();
    const role = make('th', name);
    role.scope = 'row';
    role.className = name.toLowerCase();
    row.append(role, make('th', operation));
    for (const value of [count, errors, bytes, waited]) row.append(make('td', value));
    if (errors > 0) row.cells[3].className = 'bad';
    row.append(make('td', waited === 0 ? '–' : duration(wait / 1000)));
  }
  element('counters').replaceChildren(table);
}

function drawTrace(run) {
  const box = element('trace-log');
  if (!run.layers.trace) return hint('trace-log', 'Tick Trace to log.');
  let list = box.querySelector('ol');
  if (!list) box.replaceChildren(list = make('ol'));
  for (const line of run.takeTrace().split('\n').slice(0, -1)) {
    const item = make('li', line);
    if (line.includes(' WARN ')) item.className = 'bad';
    list.append(item);
  }
  if (running) box.scrollTop = box.scrollHeight;
}

// Small things

function make(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

function hint(id, text) {
  const line = make('p', text);
  line.className = 'empty';
  element(id).replaceChildren(line);
}

function duration(milliseconds) {
  if (milliseconds < 0.05) return '< 0.1 ms';
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

function state(name, text) {
  const status = element('status');
  status.dataset.state = name;
  status.textContent = text;
}

function showError(error) {
  const box = element('error');
  box.replaceChildren(make('strong', error.message));
  if (error.advice) box.append(make('p', error.advice));
  if (error.detail) {
    const detail = make('p', error.detail);
    detail.className = 'hint';
    box.append(detail);
  }
  box.hidden = false;
  const field = error.field && element(error.field);
  if (error.spec) {
    editor.goToMark();
  } else if (field) {
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-errormessage', 'error');
    field.focus();
  } else {
    box.scrollIntoView({ behavior: calm.matches ? 'auto' : 'smooth', block: 'nearest' });
  }
}

function clearError() {
  element('error').hidden = true;
  for (const field of form.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
    field.removeAttribute('aria-errormessage');
  }
}

async function copy(button, text, otherwise) {
  const label = button.dataset.label || (button.dataset.label = button.textContent);
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = otherwise();
  }
  setTimeout(() => { button.textContent = label; }, 2500);
}

form.addEventListener('submit', (event) => { event.preventDefault(); start(); });
form.addEventListener('input', (event) => { writeTick(event); describe(); });
form.addEventListener('change', () => {
  describe();
  if (running) running.setPace(options().pace);
});
element('stop').addEventListener('click', () => {
  if (!running) return;
  running.stop();
  element('run').focus();
});
element('suggest').addEventListener('click', () => editor.open());
element('copy-link').addEventListener('click', ({ target }) => copy(target, linkToRun(), () => {
  history.replaceState(null, '', linkToRun());
  return 'The address bar has it';
}));
element('copy-mermaid').addEventListener('click', ({ target }) => copy(target, element('mermaid').textContent, () => {
  getSelection().selectAllChildren(element('mermaid'));
  return 'Selected: copy it';
}));

// A panic in the module reaches the page as an uncaught error: no promise ends any more.
addEventListener('error', ({ error }) => {
  if (error instanceof WebAssembly.RuntimeError) crashed();
});
addEventListener('unhandledrejection', ({ reason }) => {
  if (reason instanceof WebAssembly.RuntimeError) crashed();
});

load();
