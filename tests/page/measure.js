// The round trip of a role beside that of a bare WebSocket, in turns, so that what else the
// machine does hits both.

import init, { Caller } from './pkg/choreo_test_page.js';

// `role` and `bare` are addresses; a sample is so many round trips of each. Gives the milliseconds
// of one round trip for each sample.
export async function measure({ role, bare, samples, trips }) {
  await init();
  const caller = await Caller.join(role);
  const socket = await open(bare);
  const ways = {
    role: () => caller.round_trips(trips),
    bare: () => bareTrips(socket, trips),
  };
  // Until the engine has compiled everything.
  for (const name of ['role', 'bare']) await ways[name]();
  const times = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const time = {};
    for (const name of sample % 2 ? ['role', 'bare'] : ['bare', 'role']) {
      const begun = performance.now();
      await ways[name]();
      time[name] = (performance.now() - begun) / trips;
    }
    times.push(time);
  }
  socket.close();
  await caller.leave();
  return times;
}

function open(url) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error(`no WebSocket at ${url}`));
  });
}

async function bareTrips(socket, trips) {
  const message = new Uint8Array(64).fill(7);
  for (let trip = 0; trip < trips; trip += 1) {
    const answered = new Promise((resolve) => { socket.onmessage = resolve; });
    socket.send(message);
    const { data } = await answered;
    if (data.byteLength !== message.length) throw new Error('the answer is another');
  }
}
