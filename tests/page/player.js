// One role, in the window or in a worker.

import init, { Player } from './pkg/choreo_test_page.js';

const LOOK = 100; // milliseconds between two accounts

export async function play(settings, tell) {
  await init();
  const player = new Player(settings);
  const timer = setInterval(() => tell(player.account), LOOK);
  await player.play();
  clearInterval(timer);
  tell(player.account);
}
