// One role in a worker: does what the page says, and tells how it is.

import { inPage } from './player.js';

let player;

addEventListener('message', async ({ data: [what, ...args] }) => {
  if (what !== 'start') {
    await player;
    return (await player)?.[what](...args);
  }
  player = inPage(args[0]);
  let timer;
  try {
    const started = await player;
    const tell = () => postMessage({ status: started.status });
    timer = setInterval(tell, 100);
    const ended = await started.ended;
    tell();
    postMessage({ ended });
  } catch ({ message }) {
    postMessage({ failed: message });
  }
  clearInterval(timer);
});
