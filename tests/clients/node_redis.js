// Scenarios with node-redis, in RESP3: `node node_redis.js PORT SCENARIO`.
'use strict';

const assert = require('node:assert/strict');
const { createClient, createClientPool, defineScript, ErrorReply, WatchError } = require('redis');
const { port, until, play } = require('./scene.js');

async function open(options = {}) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 3, ...options });
  client.on('error', (error) => {
    throw error;
  });
  await client.connect();
  return client;
}

// What the library gives as objects without prototype, as plain ones.
const plain = (value) => JSON.parse(JSON.stringify(value));

const scenarios = {
  async types() {
    const r = await open();
    assert.equal(await r.set('s', 'v', { expiration: { type: 'EX', value: 100 }, condition: 'NX' }), 'OK');
    assert.equal(await r.set('s', 'w', { condition: 'NX' }), null);
    assert.equal(await r.set('s', 'w', { GET: true, expiration: 'KEEPTTL' }), 'v');
    assert.ok((await r.ttl('s')) > 50);
    assert.deepEqual(await r.mGet(['s', 'none']), ['w', null]);
    assert.equal(await r.hSet('h', { a: 1, b: 'zwei' }), 2);
    assert.deepEqual(plain(await r.hGetAll('h')), { a: '1', b: 'zwei' });
    assert.deepEqual(await r.hExpire('h', ['a', 'none'], 100), [1, -2]);
    assert.equal(await r.hIncrByFloat('h', 'a', 0.5), '1.5');
    assert.equal((await r.hRandFieldWithValues?.('h', 1) ?? (await r.hRandFieldCountWithValues('h', 1))).length, 1);
    assert.equal(await r.zAdd('z', [{ value: 'a', score: 1.5 }, { value: 'b', score: Infinity }]), 2);
    assert.deepEqual(plain(await r.zRangeWithScores('z', 0, 0)), [{ value: 'a', score: 1.5 }]);
    assert.equal(await r.zScore('z', 'b'), Infinity);
    assert.equal(await r.zScore('z', 'none'), null);
    assert.deepEqual(plain(await r.zPopMin('z')), { value: 'a', score: 1.5 });
    assert.deepEqual(await r.sAdd('set', ['x', 'y']), 2);
    assert.deepEqual(new Set(await r.sMembers('set')), new Set(['x', 'y']));
    assert.deepEqual(await r.smIsMember('set', ['x', 'z']).then((found) => found.map(Number)), [1, 0]);
    await r.rPush('l', ['1', '2', '3']);
    assert.deepEqual(plain(await r.lmPop(['none', 'l'], 'LEFT', { COUNT: 2 })), ['l', ['1', '2']]);
    assert.equal(await r.geoAdd('g', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }), 1);
    const [position] = await r.geoPos('g', 'Palermo');
    assert.ok(Math.abs(position.longitude - 13.361389) < 1e-5, JSON.stringify(position));
    assert.equal(await r.pfAdd('hll', ['a', 'b']), 1);
    assert.equal(await r.setBit('bits', 7, 1), 0);
    assert.deepEqual(await r.bitField('bits', [{ operation: 'GET', encoding: 'u8', offset: 0 }]), [1]);
    const keys = [];
    for await (const found of r.scanIterator({ COUNT: 2 })) keys.push(...found);
    assert.deepEqual(keys.sort(), ['bits', 'g', 'h', 'hll', 'l', 's', 'set', 'z']);
    const info = await r.info('server');
    assert.match(info, /redis_version:7\.4\.\d+/);
    assert.deepEqual(plain(await r.configGet('maxmemory-policy')), { 'maxmemory-policy': 'noeviction' });
    assert.equal((await r.commandGetKeys(['MSET', 'a', '1', 'b', '2'])).length, 2);
    const me = await r.clientInfo();
    assert.deepEqual([me.libName, me.resp], ['node-redis', 3]);
    await assert.rejects(r.hGet('s', 'f'), (error) => error instanceof ErrorReply && /^WRONGTYPE/.test(error.message));
    const bytes = Buffer.from([0, 255, 13, 10]);
    await r.set(bytes, bytes);
    assert.ok(bytes.equals(await r.withTypeMapping({ 36: Buffer }).get(bytes)));
  },

  async streams() {
    const r = await open({ unstableResp3: true });
    const first = await r.xAdd('stream', '*', { a: '1' });
    await r.xAdd('stream', '*', { a: '2', b: '3' });
    assert.equal(await r.xGroupCreate('stream', 'group', '0'), 'OK');
    const read = plain(await r.xReadGroup('group', 'me', { key: 'stream', id: '>' }, { COUNT: 10 }));
    assert.equal(JSON.stringify(read).match(/"\d+-\d+"/g).length, 2, JSON.stringify(read));
    assert.equal(await r.xAck('stream', 'group', first), 1);
    assert.equal((await r.xPending('stream', 'group')).pending, 1);
    const claimed = await r.xAutoClaim('stream', 'group', 'you', 0, '0-0');
    assert.equal(claimed.messages.length, 1);
    assert.equal((await r.xInfoStream('stream')).length, 2);
    const waiting = r.duplicate();
    await waiting.connect();
    const next = waiting.xRead({ key: 'stream', id: '$' }, { BLOCK: 0 });
    await until('it waits', async () => /blocked_clients:1/.test(await r.info('clients')));
    await r.xAdd('stream', '5000000000000-1', { late: 'yes' });
    assert.match(JSON.stringify(await next), /5000000000000-1/);
  },

  async transactions() {
    const r = await open({
      scripts: {
        addTwice: defineScript({
          SCRIPT: "redis.call('INCRBY', KEYS[1], ARGV[1]) return redis.call('INCRBY', KEYS[1], ARGV[1])",
          NUMBER_OF_KEYS: 1,
          parseCommand(parser, key, by) {
            parser.pushKey(key);
            parser.push(String(by));
          },
          transformReply: undefined,
        }),
      },
    });
    assert.equal(await r.addTwice('n', 5), 10);
    await r.scriptFlush();
    assert.equal(await r.addTwice('n', 5), 20, 'sent again');
    assert.deepEqual(await r.multi().set('a', 1).incr('a').addTwice('n', 1).hGetAll('none').exec(), [
      'OK', 2, 22, Object.create(null),
    ]);
    const other = await open();
    await r.watch('a');
    await other.set('a', 'changed');
    await assert.rejects(r.multi().set('a', 'lost').exec(), WatchError);
    assert.equal(await r.get('a'), 'changed');
    const failed = await r.multi().incr('a').get('a').execAsPipeline().catch((error) => error);
    assert.match(failed.message, /not an integer/);
    const replies = await Promise.all([...Array(10_000)].map(() => r.incr('many')));
    assert.equal(replies.at(-1), 10_000, 'a pipeline keeps its order');

    const pool = createClientPool({ url: `redis://127.0.0.1:${port}`, RESP: 3 }, { minimum: 2, maximum: 8 });
    await pool.connect();
    const popped = [...Array(8)].map(() => pool.execute((client) => client.blPop('jobs', 0)));
    await until('all wait', async () => /blocked_clients:8/.test(await r.info('clients')));
    for (let n = 0; n < 8; n += 1) await r.rPush('jobs', `${n}`);
    const served = (await Promise.all(popped)).map(({ element }) => element);
    assert.deepEqual(served.sort(), ['0', '1', '2', '3', '4', '5', '6', '7']);
    pool.destroy();
  },

  // In RESP3 one connection both subscribes and asks.
  async pubsub() {
    const r = await open();
    const sender = await open();
    const heard = [];
    const hear = (message, channel) => heard.push([channel, message]);
    await r.subscribe('news', hear);
    await r.pSubscribe('weather.*', hear);
    await r.sSubscribe('shard', hear);
    assert.equal(await r.set('k', 'v'), 'OK', 'it may still ask');
    assert.equal(await sender.publish('news', 'one'), 1);
    assert.equal(await sender.publish('weather.rain', 'two'), 1);
    assert.equal(await sender.sPublish('shard', 'three'), 1);
    assert.equal(await r.publish('news', 'own'), 1);
    await until('all four', () => heard.length === 4);
    assert.deepEqual(heard, [['news', 'one'], ['weather.rain', 'two'], ['shard', 'three'], ['news', 'own']]);
    assert.deepEqual(plain(await sender.pubSubNumSub(['news', 'none'])), { news: 1, none: 0 });
    assert.deepEqual(await sender.pubSubShardChannels(), ['shard']);
    await r.unsubscribe('news');
    await r.pUnsubscribe();
    await r.sUnsubscribe('shard');
    assert.equal(await sender.publish('news', 'nobody'), 0);
    assert.equal(await sender.pubSubNumPat(), 0);
    for (let n = 0; n < 1000; n += 1) heard.pop();
    await r.subscribe('many', hear);
    await Promise.all([...Array(1000).keys()].map((n) => sender.publish('many', `${n}`)));
    await until('all came', () => heard.length === 1000);
    assert.deepEqual(heard.map(([, message]) => message), [...Array(1000).keys()].map(String), 'in order');
  },

  // Values are read from the memory of the client until the server says that they are old.
  async cache() {
    const r = await open({ clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } });
    const other = await open();
    const statistics = () => {
      const { hitCount, missCount } = r.clientSideCache.stats();
      return [hitCount, missCount];
    };
    const becomes = (claim, read, expected) => until(claim, async () => {
      const now = await read();
      return JSON.stringify(now) === JSON.stringify(expected);
    });
    await other.set('k', 'old');
    assert.equal(await r.get('k'), 'old');
    assert.equal(await r.get('k'), 'old');
    assert.deepEqual(statistics(), [1, 1]);
    const commands = async () => Number(/cmdstat_get:calls=(\d+)/.exec(await other.info('commandstats'))[1]);
    assert.equal(await commands(), 1, 'the second came from memory');
    const get = () => r.get('k');
    await other.set('k', 'new');
    await becomes('a new value is seen', get, 'new');
    await other.eval("return redis.call('SET', KEYS[1], 'scripted')", { keys: ['k'] });
    await becomes('a script is seen', get, 'scripted');
    await other.multi().set('k', 'first').set('k', 'transacted').exec();
    await becomes('a transaction is seen', get, 'transacted');
    await other.rename('k', 'renamed');
    await becomes('a rename is seen', get, null);
    await other.set('k', 'short', { expiration: { type: 'PX', value: 30 } });
    await becomes('the end of its time is seen', get, null);
    await other.set('k', 'back');
    await becomes('it is seen again', get, 'back');
    await other.flushAll();
    await becomes('a flush is seen', get, null);

    await other.hSet('h', 'f', '1');
    assert.deepEqual(plain(await r.hGetAll('h')), { f: '1' });
    await other.hSet('h', 'f', '2');
    await becomes('a field is seen', () => r.hGetAll('h'), { f: '2' });
    await other.zAdd('z', { value: 'm', score: 1 });
    assert.deepEqual(await r.zRange('z', 0, -1), ['m']);
    await other.zRem('z', 'm');
    await becomes('an empty set is seen', () => r.zRange('z', 0, -1), []);
    await r.set('k', 'own');
    await becomes('what the client itself writes is seen', get, 'own');
    await other.mSet(['a', '1', 'b', '2']);
    assert.deepEqual(await r.mGet(['a', 'b']), ['1', '2']);
    await other.del('b');
    await becomes('one of several is seen', () => r.mGet(['a', 'b']), ['1', null]);
  },
};

play(scenarios);
