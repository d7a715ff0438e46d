// One role in a worker.

import { play } from './player.js';

addEventListener('message', ({ data }) => {
  // An error event of the worker tells the page.
  play(data, (account) => postMessage(account)).catch((error) => setTimeout(() => { throw error; }));
});
