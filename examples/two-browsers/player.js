// One role, in this page or in a worker of it. Both have the same face:
//   status   how it is, as the module's `status` tells
//   version  changes whenever there is more to draw
//   svg      the diagram; null where nobody draws
//   ended    resolves to true at its end, to false when it was stopped, or rejects
//   stop(), cut(), nudge(), go(way), set(text, pace)

export async function inPage(options) {
  const { default: init, Player } = await import('./pkg/two_browsers.js');
  await init();
  const { role, session, relay, way, text, pace, rounds } = options;
  const player = new Player(role === 'Alice', session, relay, way, text, pace);
  player.ended = player.start(rounds);
  return player;
}

export function inWorker(options) {
  const worker = new Worker('worker.js', { type: 'module' });
  const player = { status: '', version: 0, svg: null };
  for (const what of ['stop', 'cut', 'nudge', 'go', 'set']) {
    player[what] = (...args) => worker.postMessage([what, ...args]);
  }
  player.ended = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      player.status = data.status ?? player.status;
      if ('ended' in data) resolve(data.ended);
      if ('failed' in data) reject(new Error(data.failed));
    };
    worker.onerror = ({ message }) => {
      reject(new Error(`worker\n\n${message ?? ''}`));
    };
  });
  // What a session says in the background, when it closes, may take a moment.
  player.free = () => setTimeout(() => worker.terminate(), 2000);
  worker.postMessage(['start', options]);
  return player;
}
