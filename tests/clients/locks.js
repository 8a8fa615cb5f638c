// Scenarios with Redlock and rate-limiter-flexible: `node locks.js PORT SCENARIO`.
'use strict';

const assert = require('node:assert/strict');
const Redis = require('ioredis');
const {
  BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis, RateLimiterRes,
} = require('rate-limiter-flexible');
const { createClient } = require('redis');
const { default: Redlock, ExecutionError, ResourceLockedError } = require('redlock');
const { port, until, play } = require('./scene.js');

const open = (options) => new Redis({ port, host: '127.0.0.1', ...options });

const HOUR = 3_600_000;

// How many of these are fulfilled, and why the others are not.
async function settled(promises) {
  const results = await Promise.allSettled(promises);
  const refused = results.filter(({ status }) => status === 'rejected').map(({ reason }) => reason);
  return { served: results.length - refused.length, refused };
}

const scenarios = {
  async redlock() {
    const raw = open();
    const redlock = new Redlock([raw], { retryCount: 0 });
    const lock = await redlock.acquire(['lock:a', 'lock:b'], HOUR);
    assert.equal(await raw.get('lock:a'), lock.value);
    assert.ok((await raw.pttl('lock:b')) > HOUR / 2);
    const refusal = await redlock.acquire(['lock:b', 'lock:c'], HOUR).catch((error) => error);
    assert.ok(refusal instanceof ExecutionError, refusal);
    const { votesAgainst } = await refusal.attempts[0];
    assert.ok([...votesAgainst.values()].every((error) => error instanceof ResourceLockedError));
    assert.equal(await raw.exists('lock:c'), 0, 'all or nothing');
    const extended = await lock.extend(2 * HOUR);
    assert.ok((await raw.pttl('lock:a')) > 1.5 * HOUR);
    await extended.release();
    assert.equal(await raw.exists('lock:a', 'lock:b'), 0);
    await assert.rejects(extended.release(), ExecutionError, 'it is released once');

    const short = await redlock.acquire(['lock:a'], 50);
    await until('it has run out', async () => (await raw.exists('lock:a')) === 0);
    const next = await redlock.acquire(['lock:a'], HOUR);
    await assert.rejects(short.release(), 'a lock of another is not released');
    assert.equal(await raw.get('lock:a'), next.value);
    // The scripts are forgotten: EVALSHA is refused and EVAL follows.
    await raw.script('FLUSH');
    await next.release();
    assert.equal(await raw.exists('lock:a'), 0);
  },

  // A majority of three, here databases of one server.
  async majority() {
    const databases = [0, 1, 2].map((db) => open({ db }));
    const redlock = new Redlock(databases, { retryCount: 0 });
    await databases[2].set('lock', 'of another');
    const lock = await redlock.acquire(['lock'], HOUR);
    assert.equal(await databases[1].get('lock'), lock.value);
    await databases[1].set('lock', 'of another');
    await assert.rejects(lock.extend(HOUR), ExecutionError);
    await databases[0].del('lock');
    await assert.rejects(redlock.acquire(['lock'], HOUR), ExecutionError);
    assert.equal(await databases[0].exists('lock'), 0, 'given back by who did not get the majority');
  },

  // Reads and writes in two steps, which only a lock makes one.
  async contention() {
    const raw = open();
    await raw.set('counter', 0);
    const work = async () => {
      const own = open();
      const redlock = new Redlock([own], { retryCount: -1, retryDelay: 2, retryJitter: 2 });
      for (let n = 0; n < 10; n += 1) {
        await redlock.using(['lock'], 30_000, async (signal) => {
          const before = Number(await own.get('counter'));
          await own.set('counter', before + 1);
          assert.equal(signal.aborted, false);
        });
      }
    };
    await Promise.all([...Array(8)].map(work));
    assert.equal(await raw.get('counter'), '80');
  },

  async limiter() {
    const raw = open();
    const nodeRedis = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    for (const [keyPrefix, options] of Object.entries({
      ioredis: { storeClient: raw },
      'node-redis': { storeClient: nodeRedis, useRedisPackage: true },
    })) {
      const limiter = new RateLimiterRedis({ keyPrefix, points: 5, duration: 3600, ...options });
      const { served, refused } = await settled([...Array(50)].map(() => limiter.consume('user')));
      assert.equal(served, 5, keyPrefix);
      assert.ok(refused.every((reason) => reason instanceof RateLimiterRes && reason.msBeforeNext > HOUR / 2));
      const state = await limiter.get('user');
      assert.deepEqual([state.consumedPoints, state.remainingPoints], [50, 0]);
      assert.equal((await limiter.penalty('other', 2)).consumedPoints, 2);
      assert.equal((await limiter.reward('other', 1)).consumedPoints, 1);
      assert.equal((await limiter.consume('other', 3)).remainingPoints, 1);
      await limiter.block('other', 7200);
      const blocked = await limiter.consume('other').catch((reason) => reason);
      assert.ok(blocked.msBeforeNext > HOUR, 'longer than the window');
      assert.equal(await limiter.delete('other'), true);
      assert.equal(await limiter.get('other'), null);
      await limiter.set('set', 4, 100);
      assert.equal((await limiter.consume('set')).remainingPoints, 0);
      assert.ok((await raw.ttl(`${keyPrefix}:set`)) > 50);
    }

    const bursty = new BurstyRateLimiter(
      new RateLimiterRedis({ storeClient: raw, keyPrefix: 'steady', points: 2, duration: 3600 }),
      new RateLimiterRedis({ storeClient: raw, keyPrefix: 'burst', points: 3, duration: 7200 }),
    );
    assert.equal((await settled([...Array(10)].map(() => bursty.consume('user')))).served, 5);

    const queue = new RateLimiterQueue(
      new RateLimiterRedis({ storeClient: raw, keyPrefix: 'queue', points: 2, duration: 1 }),
    );
    await Promise.all([1, 1, 1].map((tokens) => queue.removeTokens(tokens)));
  },
};

play(scenarios);
