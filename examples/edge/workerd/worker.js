// The buyer in workerd: `GET /?goods=apples&count=3&most=200` plays it and says how it ended.

import { initSync, buy } from './edge.js';
import module from './edge_bg.wasm';

initSync({ module });

export default {
  async fetch(request, { SELLER }, context) {
    const query = new URL(request.url).searchParams;
    const goods = query.get('goods') ?? 'apples';
    const [count, most] = [query.get('count') ?? 1, query.get('most') ?? 100];
    try {
      return new Response(`${await buy(SELLER, crypto.randomUUID(), goods, +count, +most)}\n`);
    } catch ({ message }) {
      return new Response(`${message}\n`, { status: 502 });
    } finally {
      // Once it has answered, workerd drops what is still under way, and with it the memory that
      // belongs to it: the connection gets time to end.
      context.waitUntil(scheduler.wait(1000));
    }
  },
};
