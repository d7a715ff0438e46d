// A round trip by this project's code beside a bare one by the browser's own, in turns, so that what
// else the machine does hits both.

import init, { Caller, Poster } from './pkg/choreo_test_page.js';

const message = new Uint8Array(64).fill(7);

// `ours` and `bare` are addresses; a sample is so many round trips of each. Gives the milliseconds
// of one round trip for each sample.
export async function measure({ over, ours, bare, samples, trips }) {
  await init();
  const ways = over === 'fetch'
    ? { ours: await Poster.open(ours), bare: new Posts(bare) }
    : { ours: await Caller.join(ours), bare: await Socket.open(bare) };
  // Until the engine has compiled everything.
  for (const name of ['ours', 'bare']) await ways[name].round_trips(trips);
  const times = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const time = {};
    for (const name of sample % 2 ? ['ours', 'bare'] : ['bare', 'ours']) {
      const begun = performance.now();
      await ways[name].round_trips(trips);
      time[name] = (performance.now() - begun) / trips;
    }
    times.push(time);
  }
  await ways.bare.leave();
  await ways.ours.leave();
  return times;
}

class Socket {
  static open(url) {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(new Socket(socket));
      socket.onerror = () => reject(new Error(`no WebSocket at ${url}`));
    });
  }

  constructor(socket) {
    this.socket = socket;
  }

  async round_trips(count) {
    const { socket } = this;
    for (let trip = 0; trip < count; trip += 1) {
      const answered = new Promise((resolve) => { socket.onmessage = resolve; });
      socket.send(message);
      const { data } = await answered;
      check(data);
    }
  }

  leave() {
    this.socket.close();
  }
}

class Posts {
  constructor(url) {
    this.url = url;
  }

  async round_trips(count) {
    const headers = { 'content-type': 'application/octet-stream' };
    for (let trip = 0; trip < count; trip += 1) {
      const answer = await fetch(this.url, { method: 'POST', headers, body: message });
      check(await answer.arrayBuffer());
    }
  }

  leave() {}
}

function check(answer) {
  if (answer.byteLength !== message.length) throw new Error('the answer is another');
}
