// The page around a role: reads the form, starts, shows how it is.
// Everything that comes from a peer goes in as text, or as parsed SVG, never as HTML.

import { inPage, inWorker } from './player.js';

const PACE = 600; // milliseconds between rounds in slow motion
const LOOK = 100; // milliseconds between two looks at the players
const PEER = { Alice: 'Bob', Bob: 'Alice' };

const element = (id) => document.getElementById(id);
const form = element('form');
const calm = matchMedia('(prefers-reduced-motion: reduce)');

let loaded = false;
let players = null; // while they play: by role

// Loading

async function load() {
  readLink();
  try {
    const module = await import('./pkg/two_browsers.js');
    await module.default();
  } catch (cause) {
    state('failed', 'Not loaded');
    return showError({
      message: `The module could not be loaded: ${cause.message}.`,
      advice: 'Is it built? “cargo xtask demo two-browsers” builds and serves it. It takes Chrome or Edge 96, Firefox 114, Safari 15, or later.',
    });
  }
  loaded = true;
  element('run').setAttribute('aria-disabled', 'false');
  state('ready', 'Ready');
  if (new URLSearchParams(location.search).has('run')) start();
}

// Settings: the form, and links to it

function options() {
  return {
    role: element('role-bob').checked ? 'Bob' : 'Alice',
    session: element('session').value.trim(),
    relay: element('relay').value.trim(),
    way: element('way-http').checked ? 1 : 0,
    text: element('message').value,
    pace: element('slow').checked ? PACE : 0,
    rounds: element('rounds').valueAsNumber,
    worker: element('worker').checked,
  };
}

// Throws what is out of range, and at which field.
function check({ role, session, text, rounds, worker }) {
  if (!session) throw problem('session', 'The session has no name.', 'Give it one; the other window takes the same.');
  if (new TextEncoder().encode(session).length > 64) {
    throw problem('session', 'The name of the session is too long.', 'It takes up to 64 bytes.');
  }
  if (role !== 'Alice' && !worker) return;
  if ([...text].length > 200) throw problem('message', 'The message is too long.', 'It takes up to 200 characters.');
  if (!Number.isInteger(rounds) || rounds < 0 || rounds >= 2 ** 32) {
    throw problem('rounds', 'The number of rounds is out of range.', 'It takes a whole number; 0 goes on until you stop.');
  }
}

function problem(field, message, advice) {
  return { field, message, advice };
}

// The relay may be a path of the server that the page came from.
function address(relay) {
  try {
    const url = new URL(relay, location.href);
    url.protocol = url.protocol.replace(/^http/, 'ws');
    return url.href;
  } catch {
    return relay; // the module says what is wrong with it
  }
}

function readLink() {
  const query = new URLSearchParams(location.search);
  if (query.get('role') === 'Bob') element('role-bob').checked = true;
  for (const id of ['session', 'relay', 'message', 'rounds']) {
    if (query.has(id)) element(id).value = query.get(id);
  }
  if (query.get('way') === 'http') element('way-http').checked = true;
  if (query.has('slow')) element('slow').checked = query.get('slow') !== 'no';
  element('worker').checked = query.has('worker');
  if (!element('session').value) {
    element('session').value = `talk-${Math.random().toString(36).slice(2, 8)}`;
  }
  describe();
}

// What depends on the form: the words, and the way to the other window.
function describe() {
  const { role, session, relay } = options();
  const peer = PEER[role];
  const query = new URLSearchParams({ role: peer, session, relay, run: '' });
  element('other').href = `?${query}`;
  element('other').textContent = `Open ${peer} in another window`;
  element('with-worker').querySelector('span').textContent = `${peer} in a worker of this page`;
  element('talk').hidden = role === 'Bob' && !element('worker').checked;
  document.title = `${role} · Two browsers · choreo`;
  if (!players) history.replaceState(null, '', `?${ownQuery(role, session, relay)}`);
}

function ownQuery(role, session, relay) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries({ role, session, relay })) query.set(name, value);
  return query;
}

// Playing

async function start() {
  if (players || !loaded) return;
  clearError();
  const chosen = options();
  try {
    check(chosen);
  } catch (error) {
    state('failed', 'Not started');
    return showError(error);
  }
  chosen.relay = address(chosen.relay);
  players = {};
  playing(true);
  state('waiting', 'Connecting');
  const looking = setInterval(() => look(false), LOOK);
  const began = performance.now();
  try {
    players[chosen.role] = await inPage(chosen);
    if (chosen.worker) players[PEER[chosen.role]] = inWorker({ ...chosen, role: PEER[chosen.role] });
    const all = Object.values(players).map(({ ended }) => ended);
    const ended = await Promise.all(all);
    if (ended.every(Boolean)) {
      state('done', `Done in ${duration(performance.now() - began)}`);
    } else {
      state('ready', 'Stopped');
    }
  } catch (error) {
    state('failed', 'Stopped by an error');
    showError(failure(error, chosen.relay));
    each((player) => player.stop());
    await Promise.allSettled(Object.values(players).map(({ ended }) => ended));
  }
  clearInterval(looking);
  look(true);
  each((player) => player.free());
  players = null;
  playing(false);
}

// What the module says of a failure, in words.
function failure({ message }, relay) {
  const [why, sentence, detail] = message.split('\n');
  const words = {
    address: [`“${relay}” is no address to connect to.`, 'It begins with ws://, wss://, http:// or https://, and names a server: ws://127.0.0.1:9000/'],
    unreached: [`Nobody lets this role in at ${relay}.`, 'Is the relay running, and does it let pages of this address connect? “cargo xtask demo two-browsers” starts one that does.'],
    left: ['The other side has left.', 'Start again, on both sides.'],
    stopped: [`The conversation stopped: ${sentence}.`, 'Reload both pages and start again.'],
    worker: ['The worker did not start.', 'Reload the page.'],
    4401: ['The relay asks for a token, and this page has none.', 'Use a relay that is open: “choreo-relay --open”.'],
    4403: ['This role may not be played here: somebody else does, or did a moment ago.', 'Take another name for the session, in both windows. With a server that plays Bob itself, be Alice.'],
    4408: ['The other side did not answer in time.', 'See that it still runs, then start again, on both sides.'],
    4409: ['Somebody else plays this role now: it was started in another window.', 'Go on there, or take another name for the session.'],
    4410: ['The session is over: one side was started anew, or was away for too long.', 'Start again, on both sides.'],
    4426: ['The two sides are of different versions.', 'Reload both pages.'],
    4429: ['The relay has no room for more.', 'Close other windows, or try again in a minute.'],
  };
  const odd = Number(why) ? ['What came is not what was agreed on.', 'Reload both pages and start again.'] : [message];
  const [what, advice] = words[why] ?? odd;
  return { message: what, advice, detail };
}

function each(call) {
  Object.values(players ?? {}).forEach(call);
}

function playing(now) {
  for (const id of ['who', 'where']) element(id).disabled = now;
  element('rounds').disabled = now;
  element('run').hidden = now;
  element('stop').hidden = !now;
  element('cut').hidden = !now;
}

// Showing

let drawn = {};

// Text at each look; the picture only where somebody sees it.
function look(ended) {
  const [own] = Object.entries(players);
  if (!own) return;
  const all = Object.entries(players).map(([role, player]) => [role, read(player.status)]);
  element('links').replaceChildren(...all.map(([role, status]) => linkRow(role, status, ended)));
  element('tallies').replaceChildren(...all.map(([role, status]) => tallyRow(role, status)));
  const [, status] = all[0];
  element('reply').textContent = status.heardLast;
  if (['waiting', 'running'].includes(element('status').dataset.state)) describeLink(own[0], status);
  if (!document.hidden) draw(...own);
}

function read(status) {
  const [link = '', way, connections, silent, unacked, met, said, heard, lost, repeated, reordered, ...last] = status.split('\t');
  return { link: link || 'starting', way, connections, silent: Number(silent), unacked, met: met === '1', said, heard, lost, repeated, reordered, heardLast: last.join('\t') };
}

function describeLink(role, { link, met, connections }) {
  const peer = PEER[role];
  if (link === 'closed') return state('waiting', 'Leaving');
  if (link === 'resuming') return state('waiting', 'The connection broke; opening another');
  if (link !== 'connected') return state('waiting', 'Connecting');
  if (!met) return state('waiting', `Waiting for ${peer}`);
  state('running', connections === '1' ? `Talking with ${peer}` : `Talking with ${peer} over connection ${connections}`);
}

function linkRow(role, { link, way, connections, unacked, silent }, ended) {
  if (ended && connections === '0') link = 'not let in';
  const here = ['connected', 'resuming'].includes(link);
  const heard = here ? `${(silent / 1000).toFixed(1)} s ago` : '–';
  return row(role, [link, way || '–', connections ?? '0', unacked ?? '0', heard]);
}

function tallyRow(role, { said, heard, lost, repeated, reordered }) {
  const made = row(role, [said, heard, lost, repeated, reordered].map((number) => number ?? '0'));
  for (const cell of [...made.cells].slice(3)) cell.className = cell.textContent === '0' ? 'good' : 'bad';
  ['said', 'heard', 'lost', 'repeated', 'reordered'].forEach((name, index) => {
    made.cells[index + 1].dataset.count = name;
  });
  return made;
}

function row(role, values) {
  const made = make('tr');
  made.dataset.role = role;
  const head = make('th', role);
  head.scope = 'row';
  head.className = role.toLowerCase();
  made.append(head, ...values.map((value) => make('td', value)));
  return made;
}

// As the recording draws it, but without the times. A message that came from elsewhere brings the
// number of its type, “type #1a2b3c4d”, not the name; of each role there is one type.
function draw(role, player) {
  const { version } = player;
  if (!version || drawn.player === player && drawn.version === version) return;
  drawn = { player, version };
  const parsed = new DOMParser().parseFromString(player.svg, 'image/svg+xml').documentElement;
  const svg = document.importNode(parsed, true);
  svg.querySelectorAll('.choreo-time').forEach((time) => time.remove());
  for (const text of svg.querySelectorAll('text, title')) {
    text.textContent = text.textContent.replace(/type #\w+/, role === 'Alice' ? 'Answer' : 'Call');
  }
  const box = element('diagram');
  box.replaceChildren(svg);
  const { x, y, width, height } = svg.getBBox();
  svg.setAttribute('viewBox', `${x - 8} ${y - 8} ${width + 16} ${height + 16}`);
  svg.setAttribute('width', width + 16);
  svg.setAttribute('height', height + 16);
  box.scrollTop = box.scrollHeight;
}

// Small things

function make(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

function duration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(0)} ms`;
}

function state(name, text) {
  const status = element('status');
  if (status.dataset.state === name && status.textContent === text) return; // said already
  status.dataset.state = name;
  status.textContent = text;
}

function showError({ message, advice, detail, field }) {
  const box = element('error');
  box.replaceChildren(make('strong', message));
  if (advice) box.append(make('p', advice));
  if (detail) {
    const line = make('p', detail);
    line.className = 'hint';
    box.append(line);
  }
  box.hidden = false;
  const wrong = field && element(field);
  if (wrong) {
    wrong.setAttribute('aria-invalid', 'true');
    wrong.setAttribute('aria-errormessage', 'error');
    wrong.focus();
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

form.addEventListener('submit', (event) => { event.preventDefault(); start(); });
form.addEventListener('input', () => {
  const { text, pace } = options();
  each((player) => player.set(text, pace));
  describe();
});
element('stop').addEventListener('click', () => {
  each((player) => player.stop());
  element('run').focus();
});
for (const way of ['way-websocket', 'way-http']) {
  element(way).addEventListener('change', () => each((player) => player.go(options().way)));
}
element('cut').addEventListener('click', () => each((player) => player.cut()));

// A page that comes back, from the background, from sleep or from the history, looks at once
// whether its connection is alive.
const nudge = () => each((player) => player.nudge());
document.addEventListener('visibilitychange', () => { if (!document.hidden) nudge(); });
addEventListener('online', nudge);
addEventListener('pageshow', nudge);
// One that goes for good says so, so that the other side need not wait for it.
addEventListener('pagehide', ({ persisted }) => { if (!persisted) each((player) => player.stop()); });

// A panic in the module reaches the page as an uncaught error: no promise ends any more.
function crashed({ error, reason }) {
  if (!((error ?? reason) instanceof WebAssembly.RuntimeError)) return;
  loaded = false;
  playing(false);
  element('run').setAttribute('aria-disabled', 'true');
  state('failed', 'Stopped by an error');
  showError({ message: 'The WebAssembly module stopped in the middle of its work.', advice: 'Reload the page.' });
}
addEventListener('error', crashed);
addEventListener('unhandledrejection', crashed);

load();
