// The buyer in Deno: `deno run --allow-net --allow-read main.js SELLER [GOODS [COUNT [MOST]]]`.

import init, { buy } from '../pkg/edge.js';

const [seller, goods = 'apples', count = 1, most = 100] = Deno.args;
await init();
console.log(await buy(seller, crypto.randomUUID(), goods, +count, +most));
