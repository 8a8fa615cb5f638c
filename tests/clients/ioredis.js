// Scenarios with ioredis: `node ioredis.js PORT SCENARIO`.
'use strict';

const assert = require('node:assert/strict');
const Redis = require('ioredis');
const { CacheManager, STRATEGIES } = require('./cache_manager.js');
const { port, ask, until, play } = require('./scene.js');

async function connected(options) {
  const cache = new CacheManager(port, options);
  await cache.redis.connect();
  return cache;
}

// A connection without prefix, to see what is really stored.
const plain = (options) => new Redis({ port, host: '127.0.0.1', ...options });

const scenarios = {
  async cache() {
    const cache = await connected();
    const raw = plain();
    let loads = 0;
    const load = async () => {
      loads += 1;
      return { id: 7, name: 'Ann "⏱" Ünïcode', runs: [1, 2, 3] };
    };
    assert.equal((await cache.getOrLoad('user:7', 'plain', load)).from, 'database');
    const again = await cache.getOrLoad('user:7', 'plain', load);
    assert.deepEqual([again.from, again.value.name, loads], ['cache', 'Ann "⏱" Ünïcode', 1]);
    assert.deepEqual(await raw.keys('*'), ['app:user:7'], 'the prefix is stored');

    for (const [name, { ttl }] of Object.entries(STRATEGIES)) {
      assert.equal(await cache.setPlain(`kind:${name}`, { name }, name), true);
      const left = await raw.ttl(`app:kind:${name}`);
      assert.ok(left > ttl - 5 && left <= ttl, `${name}: ${left}`);
    }
    assert.equal(await cache.get('none'), null);
    assert.deepEqual(await cache.redis.mget('kind:user', 'none'), ['{"name":"user"}', null]);
    assert.equal(await cache.redis.exists('kind:user', 'kind:runs', 'none'), 2);
    assert.equal(await cache.redis.del('kind:user'), 1);
    assert.equal(await cache.redis.incr('counter'), 1);
    assert.equal(await cache.redis.expire('counter', 60), 1);
    assert.equal(await cache.redis.type('counter'), 'string');

    const buffer = Buffer.from([0, 255, 13, 10, 128]);
    await cache.redis.set('binary', buffer);
    assert.ok(buffer.equals(await cache.redis.getBuffer('binary')));
  },

  async patterns() {
    const cache = await connected();
    const pipeline = cache.redis.pipeline();
    for (let index = 0; index < 2500; index += 1) {
      pipeline.setex(`runs:${index}`, 120, `${index}`);
    }
    pipeline.set('other', 'stays');
    const results = await pipeline.exec();
    assert.ok(results.every(([error, reply]) => error === null && reply === 'OK'));
    assert.equal(await cache.deletePattern('runs:*'), 2500);
    assert.equal(await cache.get('other').catch(() => 'text'), null, 'not JSON: a miss');
    assert.deepEqual(await plain().keys('*'), ['app:other']);
    assert.equal(await cache.deletePattern('runs:*'), 0);
  },

  async statistics() {
    const cache = await connected();
    await cache.setPlain('a', 1, 'user');
    await cache.redis.config('RESETSTAT');
    for (let index = 0; index < 3; index += 1) assert.equal(await cache.get('a'), 1);
    assert.equal(await cache.get('b'), null);
    const statistics = await cache.statistics();
    assert.deepEqual([statistics.hits, statistics.misses, statistics.hitRate], [3, 1, 0.75]);
    assert.match(statistics.memory, /^\d+(\.\d+)?[BKMG]$/);
    assert.match(statistics.version, /^7\.4\.\d+$/);
    assert.ok(statistics.clients >= 1 && statistics.uptime >= 0);
    assert.match(statistics.fields.db0, /^keys=1,expires=1,avg_ttl=\d+/);
    assert.equal(statistics.fields.role, 'master');
    assert.equal(await cache.isHealthy(), true);
    const sections = await cache.redis.info('memory');
    assert.match(sections, /# Memory\r\nused_memory:\d+\r\n/);
  },

  async tags() {
    const cache = await connected();
    const raw = plain();
    for (const [name, { tags }] of Object.entries(STRATEGIES)) {
      assert.equal(await cache.set(`kind:${name}`, { name }, name), true);
      assert.deepEqual((await raw.call('TAGLIST', `app:kind:${name}`)).sort(), [...tags].sort());
      assert.ok((await raw.ttl(`app:kind:${name}`)) > 0, 'tags do not cost the TTL');
    }
    assert.equal(await raw.call('TAGCARD', 'leaderboard'), 2);
    assert.equal(await cache.invalidateByTags('leaderboard', 'none'), 2);
    assert.deepEqual((await raw.keys('*')).sort(), ['app:kind:runs', 'app:kind:user']);
    assert.equal(await cache.get('kind:game'), null);
    assert.deepEqual(await cache.get('kind:user'), { name: 'user' });

    assert.equal(await cache.setPlain('plain', 1, 'user'), true);
    assert.equal(await cache.tag('plain', 'late', 'user'), 2);
    assert.equal(await cache.tag('plain', 'late'), 0);
    assert.equal(await cache.tag('none', 'late'), -2);
    assert.equal(await cache.invalidateByTags('user'), 2);
    assert.equal(await cache.get('plain'), null);

    // A read, an invalidation and a write in one go, as a request handler does.
    const results = await cache.redis
      .multi()
      .set('a', '1', 'EX', 60, 'TAGS', 1, 't')
      .call('TAGINVALIDATE', 't')
      .get('a')
      .exec();
    assert.deepEqual(results, [[null, 'OK'], [null, 1], [null, null]]);
    let cursor = '0';
    const names = [];
    do {
      const [next, found] = await raw.call('TAGNAMES', cursor, 'COUNT', 100);
      cursor = next;
      names.push(...found);
    } while (cursor !== '0');
    assert.deepEqual(names, ['runs']);
  },

  async transactions() {
    const cache = await connected();
    assert.deepEqual(await cache.redis.multi().set('a', 1).incr('a').get('a').exec(), [
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ]);
    const failing = await cache.redis.multi().set('t', 'text').incr('t').get('t').exec();
    assert.match(failing[1][0].message, /not an integer/);
    assert.deepEqual(failing[2], [null, 'text']);
    await assert.rejects(cache.redis.multi().set('a').exec(), /EXECABORT/);
    await cache.redis.watch('a');
    await plain().set('app:a', 'changed');
    assert.equal(await cache.redis.multi().set('a', 'lost').exec(), null);
    assert.equal(await cache.redis.get('a'), 'changed');

    const pipeline = cache.redis.pipeline();
    for (let index = 0; index < 10_000; index += 1) pipeline.incr('many');
    const replies = await pipeline.exec();
    assert.deepEqual(replies.at(-1), [null, 10_000]);

    await assert.rejects(cache.redis.call('NOSUCH', 'x'), /unknown command 'NOSUCH', with args beginning with: 'x'/);
    assert.equal(await cache.redis.set('nx', '1', 'NX'), 'OK');
    assert.equal(await cache.redis.set('nx', '2', 'NX'), null);
    assert.equal(await cache.redis.getex('nx', 'EX', 100), '1');
    assert.equal(await cache.redis.getdel('nx'), '1');
  },

  async outage() {
    const cache = await connected();
    const load = async () => ({ fresh: true });
    await cache.setPlain('user:1', { fresh: false }, 'user');
    assert.equal((await cache.getOrLoad('user:1', 'plain', load)).from, 'cache');
    await ask('stop');
    await until('the connection is known to be gone', () => cache.redis.status !== 'ready');
    assert.equal((await cache.getOrLoad('user:1', 'plain', load)).from, 'database');
    assert.equal(await cache.setPlain('user:2', 1, 'user'), false);
    assert.equal(await cache.invalidateByTags('user'), 0);
    assert.equal(await cache.isHealthy(), false);
    await ask('start');
    await until('healthy again', () => cache.isHealthy());
    const after = await cache.getOrLoad('user:1', 'plain', load);
    assert.deepEqual(after, { value: { fresh: false }, from: 'cache' }, 'it was on disk');
    assert.ok(cache.reconnects > 0);
  },

  async auth() {
    const wrong = await connected({ password: 'wrong' }).catch((error) => error);
    assert.match(String(wrong.message ?? ''), /WRONGPASS|NOAUTH|Connection is closed/);
    const right = await connected({ password: 'secret' });
    assert.equal(await right.isHealthy(), true);
    const named = await connected({ username: 'default', password: 'secret', db: 3, connectionName: 'worker' });
    assert.equal(await named.redis.client('GETNAME'), 'worker');
    await named.redis.set('k', 'v');
    assert.match(await right.redis.info('keyspace'), /db3:keys=1/);
    const none = plain({ retryStrategy: null });
    none.on('error', () => {});
    await assert.rejects(none.get('k'), /NOAUTH|closed/);
  },
};

play(scenarios);
