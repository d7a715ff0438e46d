// What tests call, as `page`. What comes of it they read as text.

import { play } from './player.js';
import { measure } from './measure.js';

const show = (id, text) => { document.getElementById(id).textContent = text; };
const failed = (id) => ({ message }) => show(id, JSON.stringify({ failed: message }));

globalThis.page = {
  playInWindow(settings) {
    play(settings, (account) => show('window', account)).catch(failed('window'));
  },

  playInWorker(settings) {
    const worker = new Worker('worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => show('worker', data);
    worker.onerror = ({ message }) => failed('worker')({ message: `the worker failed: ${message}` });
    worker.postMessage(settings);
  },

  measure(settings) {
    measure(JSON.parse(settings))
      .then((samples) => show('measured', JSON.stringify({ samples })))
      .catch(failed('measured'));
  },
};

show('state', 'ready');
