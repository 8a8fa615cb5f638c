// Scenarios with ioredis 6, which speaks RESP3: `node ioredis_6.js PORT SCENARIO`.
'use strict';

const assert = require('node:assert/strict');
const Redis = require('ioredis-6');
const { port, until, play } = require('./scene.js');

const open = (options) => new Redis({ port, host: '127.0.0.1', ...options });

const scenarios = {
  async replies() {
    for (const options of [{ protocol: 2 }, {}, { replyMapping: 'resp3' }]) {
      const r = open(options);
      const maps = options.replyMapping === 'resp3';
      await r.flushall();
      assert.match(await r.client('INFO'), new RegExp(` resp=${options.protocol ?? 3}( |$)`));
      await r.hset('h', { a: 1, b: 'zwei' });
      assert.deepEqual({ ...(await r.hgetall('h')) }, { a: '1', b: 'zwei' });
      await r.zadd('z', 1.5, 'a', 'inf', 'b');
      assert.equal(await r.zscore('z', 'a'), maps ? 1.5 : '1.5');
      assert.equal(await r.zscore('z', 'none'), null);
      assert.deepEqual((await r.zrange('z', 0, -1, 'WITHSCORES')).flat().map(String), maps
        ? ['a', '1.5', 'b', 'Infinity'] : ['a', '1.5', 'b', 'inf']);
      const policy = await r.config('GET', 'maxmemory-policy');
      assert.deepEqual(maps ? policy['maxmemory-policy'] : policy[1], 'noeviction');
      assert.deepEqual(new Set(await r.smembers('none')), new Set());
      await r.xadd('s', '1-1', 'f', 'v');
      const [[, entries]] = Object.entries(Object.fromEntries((maps
        ? Object.entries(await r.xread('STREAMS', 's', '0')) : await r.xread('STREAMS', 's', '0'))));
      assert.deepEqual(entries, [['1-1', ['f', 'v']]]);
      assert.deepEqual(await r.multi().set('k', 1).incr('k').get('none').exec(), [
        [null, 'OK'], [null, 2], [null, null],
      ]);
      const [[wrong]] = await r.pipeline().incr('h').exec();
      assert.match(wrong.message, /^WRONGTYPE/);
      r.defineCommand('twice', { numberOfKeys: 1, lua: "return {redis.call('GET', KEYS[1]), ARGV[1] * 2}" });
      assert.deepEqual(await r.twice('k', 21), ['2', 42]);
      await r.script('FLUSH');
      assert.deepEqual(await r.pipeline().twice('k', 1).exec(), [[null, ['2', 2]]]);
      const keys = [];
      for await (const found of r.scanStream({ count: 1 })) keys.push(...found);
      assert.deepEqual(keys.sort(), ['h', 'k', 's', 'z']);
      const bytes = Buffer.from([0, 255, 13, 10]);
      await r.set(bytes, bytes);
      assert.ok(bytes.equals(await r.getBuffer(bytes)));
      r.disconnect();
    }
  },

  async pubsub() {
    for (const options of [{ protocol: 2 }, { protocol: 3 }]) {
      const r = open(options);
      const sender = open(options);
      const heard = [];
      r.on('message', (channel, message) => heard.push([channel, message]));
      r.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
      r.on('smessage', (channel, message) => heard.push(['shard', channel, message]));
      assert.equal(await r.subscribe('a', 'b'), 2);
      assert.equal(await r.psubscribe('c*'), 3);
      assert.equal(await r.ssubscribe('d'), 1);
      await sender.publish('a', '1');
      await sender.publish('cc', '2');
      await sender.spublish('d', '3');
      await until('all came', () => heard.length === 3);
      assert.deepEqual(heard, [['a', '1'], ['c*', 'cc', '2'], ['shard', 'd', '3']]);
      assert.equal(await r.unsubscribe('a', 'b'), 1);
      assert.equal(await r.punsubscribe('c*'), 0);
      await r.sunsubscribe('d');
      assert.equal(await r.set('k', 'v'), 'OK', 'an ordinary connection again');
      await r.subscribe('after');
      const before = await r.client?.('ID').catch(() => null);
      assert.equal(await sender.call('CLIENT', 'KILL', 'TYPE', 'pubsub'), 1, before);
      await until('it has subscribed again', async () => (await sender.publish('after', 'late')) === 1);
      await until('it hears', () => heard.some(([, message]) => message === 'late'));
      r.disconnect();
      sender.disconnect();
    }
  },

  // Invalidations by a second connection, as a client of RESP2 has them.
  async redirected() {
    const listener = open({ protocol: 2 });
    const told = [];
    listener.on('message', (channel, keys) => told.push(keys));
    const id = await listener.client('ID');
    await listener.subscribe('__redis__:invalidate');
    const r = open({ protocol: 2 });
    const other = open();
    assert.equal(await r.client('TRACKING', 'ON', 'REDIRECT', id), 'OK');
    assert.equal(await r.client('GETREDIR'), id);
    assert.match(await r.client('INFO'), new RegExp(` flags=t .* redir=${id} `));
    await other.mset('a', 1, 'b', 2);
    await r.mget('a', 'b');
    await other.set('b', 3);
    await until('one is told', () => told.length === 1);
    await other.set('b', 4);
    await other.flushall();
    await until('a flush is told', () => told.length === 2);
    // ioredis makes text of the list of keys, and of null.
    assert.deepEqual(told.map(String), ['b', '']);
    listener.disconnect();
    await r.get('a');
    await other.set('a', 'nobody is told');
    await until('it is known to be broken', async () => / flags=tR /.test(await r.client('INFO')));
  },

  async monitor() {
    const r = open();
    // It asks for INFO when it has connected, which is not to be seen.
    await r.ping();
    const monitor = await r.monitor();
    const seen = [];
    monitor.on('monitor', (time, args, source, database) => seen.push([Number(time) > 1e9, args, source, database]));
    await r.select(3);
    await r.set('k', 'plain "quoted"');
    await r.eval("return redis.call('GET', KEYS[1])", 1, 'k');
    await until('all seen', () => seen.length >= 4);
    const known = seen.map(([, args, source, database]) => [
      args.map((arg) => arg.toLowerCase()), source.replace(/^127\.0\.0\.1:\d+$/, 'address'), database,
    ]);
    assert.ok(seen.every(([recent]) => recent));
    assert.deepEqual(known, [
      [['select', '3'], 'address', '3'],
      [['set', 'k', 'plain "quoted"'], 'address', '3'],
      [['eval', "return redis.call('get', keys[1])", '1', 'k'], 'address', '3'],
      [['get', 'k'], 'lua', '3'],
    ]);
    monitor.disconnect();
  },
};

play(scenarios);
