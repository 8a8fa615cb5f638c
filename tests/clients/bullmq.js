// Scenarios with BullMQ: `node bullmq.js PORT SCENARIO`.
'use strict';

const assert = require('node:assert/strict');
const { DelayedError, FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } = require('bullmq');
const Redis = require('ioredis');
const { createClient } = require('redis');
const { port, until, play } = require('./scene.js');

const connection = { host: '127.0.0.1', port };

function worker(name, processor, options = {}) {
  const started = new Worker(name, processor, { connection, ...options });
  // What the library cannot cope with ends the scenario, rather than being tried again for ever.
  started.on('error', (error) => {
    throw error;
  });
  return started;
}

const queue = (name, options = {}) => new Queue(name, { connection, ...options });

async function listening(name) {
  const events = new QueueEvents(name, { connection });
  await events.waitUntilReady();
  return events;
}

const counts = (of) => of.getJobCounts('waiting', 'active', 'completed', 'failed', 'delayed', 'prioritized');

async function ends(of, expected) {
  await until(`${of.name} has ${JSON.stringify(expected)}`, async () => {
    const now = await counts(of);
    return Object.entries(expected).every(([state, count]) => now[state] === count);
  });
}

const scenarios = {
  async process() {
    const q = queue('process');
    const events = await listening('process');
    const seen = [];
    events.on('completed', ({ jobId, returnvalue }) => seen.push([jobId, returnvalue]));
    await q.addBulk([...Array(200).keys()].map((n) => ({ name: 'square', data: { n } })));
    assert.equal((await counts(q)).waiting, 200);
    const w = worker('process', async (job) => {
      await job.updateProgress(50);
      await job.log(`squares ${job.data.n}`);
      return job.data.n ** 2;
    }, { concurrency: 10 });
    await ends(q, { completed: 200, waiting: 0, active: 0, failed: 0 });
    const jobs = await q.getCompleted(0, -1);
    assert.ok(jobs.every((job) => job.returnvalue === job.data.n ** 2 && job.progress === 50));
    assert.deepEqual(await q.getJobLogs(jobs[0].id), { logs: [`squares ${jobs[0].data.n}`], count: 1 });
    await until('every event came', () => seen.length === 200);
    assert.equal(new Set(seen.map(([id]) => id)).size, 200, 'each once');

    const late = await q.add('square', { n: 'ü✓' }, { jobId: 'own' });
    assert.equal((await q.add('square', { n: 1 }, { jobId: 'own' })).id, late.id, 'an id is added once');
    assert.equal(await late.waitUntilFinished(events), null, 'not a number');
    await w.pause();
    await q.add('square', { n: 3 }, { removeOnComplete: true });
    await q.pause();
    assert.equal(await q.isPaused(), true);
    await q.resume();
    w.resume();
    await until('it is gone', async () => (await q.getCountsPerPriority([0]))[0] === 0);
    await ends(q, { completed: 201, waiting: 0, active: 0 });
    assert.equal((await q.clean(0, 1000, 'completed')).length, 201);
    await w.close();
    await q.add('square', { n: 4 });
    await q.drain();
    assert.deepEqual(Object.values(await counts(q)), [0, 0, 0, 0, 0, 0]);
    await q.obliterate({ force: true });
    const raw = new Redis(connection);
    assert.deepEqual(await raw.keys('bull:process:*'), []);
  },

  async order() {
    const q = queue('order');
    await q.add('job', 'low', { priority: 10 });
    await q.add('job', 'high', { priority: 1 });
    await q.add('job', 'low too', { priority: 10 });
    await q.add('job', 'first');
    await q.add('job', 'last in', { lifo: true });
    const changed = await q.add('job', 'raised', { priority: 100 });
    await changed.changePriority({ priority: 2 });
    await q.add('job', 'once', { deduplication: { id: 'same' }, priority: 200 });
    await q.add('job', 'never', { deduplication: { id: 'same' }, priority: 200 });
    assert.equal((await counts(q)).prioritized, 5);
    const done = [];
    const w = worker('order', async (job) => done.push(job.data));
    await ends(q, { completed: 7 });
    assert.deepEqual(done, ['last in', 'first', 'high', 'raised', 'low', 'low too', 'once']);
    await w.close();
  },

  async retry() {
    const q = queue('retry');
    const events = await listening('retry');
    const failures = [];
    events.on('failed', ({ failedReason }) => failures.push(failedReason));
    const tries = { flaky: 0, broken: 0, final: 0 };
    const w = worker('retry', async (job) => {
      tries[job.name] += 1;
      if (job.name === 'final') throw new UnrecoverableError('never again');
      if (job.name === 'broken' || tries.flaky < 3) throw new Error(`no ${job.name} yet`);
      return 'at last';
    });
    const flaky = await q.add('flaky', {}, { attempts: 5, backoff: { type: 'fixed', delay: 20 } });
    const broken = await q.add('broken', {}, { attempts: 3, backoff: { type: 'exponential', delay: 10 } });
    const final = await q.add('final', {}, { attempts: 3 });
    assert.equal(await flaky.waitUntilFinished(events), 'at last');
    await assert.rejects(broken.waitUntilFinished(events), /no broken yet/);
    await assert.rejects(final.waitUntilFinished(events), /never again/);
    assert.deepEqual(tries, { flaky: 3, broken: 3, final: 1 });
    const stored = await q.getJob(broken.id);
    assert.deepEqual([stored.attemptsMade, stored.failedReason, stored.stacktrace.length], [3, 'no broken yet', 3]);
    assert.equal(await stored.getState(), 'failed');
    await until('both are told', () => failures.length === 2);
    await stored.retry();
    await until('tried again', () => tries.broken === 4);
    await ends(q, { completed: 1, failed: 2 });
    await q.retryJobs({ state: 'failed' });
    await until('all tried again', () => tries.broken === 5 && tries.final === 2);
    await ends(q, { completed: 1, failed: 2 });
    await w.close();
  },

  async delayed() {
    const q = queue('delayed');
    const done = [];
    const w = worker('delayed', async (job, token) => {
      if (job.data === 'once more' && job.attemptsStarted === 1) {
        await job.moveToDelayed(Date.now() + 20, token);
        throw new DelayedError();
      }
      done.push(job.data);
    });
    const [never, promoted, moved] = await Promise.all([
      q.add('job', 'never', { delay: 3_600_000 }),
      q.add('job', 'promoted', { delay: 3_600_000 }),
      q.add('job', 'moved', { delay: 3_600_000 }),
    ]);
    await q.add('job', 'later', { delay: 600 });
    await q.add('job', 'sooner', { delay: 100 });
    await ends(q, { completed: 2, delayed: 3 });
    assert.deepEqual(done.splice(0), ['sooner', 'later']);
    assert.equal(await never.getState(), 'delayed');
    await promoted.promote();
    await ends(q, { completed: 3, delayed: 2 });
    await moved.changeDelay(50);
    await ends(q, { completed: 4, delayed: 1 });
    assert.deepEqual(done.splice(0), ['promoted', 'moved']);
    await q.add('job', 'once more');
    await ends(q, { completed: 5, delayed: 1 });
    assert.deepEqual(done, ['once more']);
    assert.equal(await q.remove(never.id), 1);
    await w.close();
  },

  async flow() {
    const flow = new FlowProducer({ connection });
    const events = await listening('parents');
    const child = (n, opts = {}) => ({ name: 'child', queueName: 'children', data: { n }, opts });
    const tree = await flow.add({
      name: 'parent',
      queueName: 'parents',
      data: {},
      children: [child(1), child(2), { ...child(3), children: [child(4), child(5)] }],
    });
    assert.equal(await tree.job.getState(), 'waiting-children');
    const sum = async (job) => Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0);
    const parents = worker('parents', sum);
    const children = worker('children', async (job) => {
      if (job.data.n < 0) throw new Error('negative');
      return job.data.n + (await sum(job));
    }, { concurrency: 3 });
    assert.equal(await tree.job.waitUntilFinished(events), 1 + 2 + 3 + 4 + 5);
    assert.deepEqual(await tree.job.getDependenciesCount(), {
      failed: 0, ignored: 0, processed: 3, unprocessed: 0,
    });

    const broken = await flow.add({
      name: 'parent',
      queueName: 'parents',
      data: {},
      children: [child(1), child(-1, { failParentOnFailure: true })],
    });
    await assert.rejects(broken.job.waitUntilFinished(events), /child bull:children:\S+ failed/);
    const ignoring = await flow.add({
      name: 'parent',
      queueName: 'parents',
      data: {},
      children: [child(7), child(-1, { ignoreDependencyOnFailure: true })],
    });
    assert.equal(await ignoring.job.waitUntilFinished(events), 7);

    const all = await flow.addBulk([1, 2].map((n) => ({
      name: 'parent', queueName: 'parents', data: {}, children: [child(n * 10)],
    })));
    assert.deepEqual(await Promise.all(all.map(({ job }) => job.waitUntilFinished(events))), [10, 20]);
    await parents.close();
    await children.close();
    const fresh = await flow.add({ name: 'parent', queueName: 'parents', data: {}, children: [child(1)] });
    const parentsQueue = queue('parents');
    assert.equal(await parentsQueue.remove(fresh.job.id), 1);
    assert.equal((await counts(queue('children'))).waiting, 0, 'removed with their parent');
  },

  async limited() {
    const q = queue('limited');
    await q.addBulk([...Array(6).keys()].map((n) => ({ name: 'job', data: n })));
    const done = [];
    const process = async (job) => done.push(job.data);
    for (const expected of [[0, 1], [0, 1, 2, 3]]) {
      const w = worker('limited', process, { limiter: { max: 2, duration: 3_600_000 } });
      await ends(q, { completed: expected.length, active: 0 });
      await until('the limit is reached', async () => (await q.getRateLimitTtl(2)) > 3_000_000);
      assert.deepEqual(done, expected);
      await w.close();
      assert.equal(await q.removeRateLimitKey(), 1);
    }
    const w = worker('limited', process, { limiter: { max: 1, duration: 50 } });
    await ends(q, { completed: 6, waiting: 0, delayed: 0 });
    assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
    await w.close();

    const manual = queue('manual');
    let refused = 0;
    const own = worker('manual', async () => {
      if (refused === 0) {
        refused += 1;
        await own.rateLimit(100);
        throw Worker.RateLimitError();
      }
      return 'served';
    }, { limiter: { max: 100, duration: 1000 } });
    await manual.add('job', {});
    await ends(manual, { completed: 1, failed: 0 });
    assert.equal(refused, 1);
    await own.close();

    const single = queue('single');
    await single.setGlobalConcurrency(1);
    let active = 0;
    const most = [];
    const alone = async () => {
      active += 1;
      most.push(active);
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
      active -= 1;
    };
    const both = [worker('single', alone, { concurrency: 4 }), worker('single', alone, { concurrency: 4 })];
    await single.addBulk([...Array(20).keys()].map((n) => ({ name: 'job', data: n })));
    await ends(single, { completed: 20 });
    assert.deepEqual(new Set(most), new Set([1]));
    await Promise.all(both.map((each) => each.close()));
  },

  async repeated() {
    const q = queue('repeated');
    let runs = 0;
    const w = worker('repeated', async (job) => {
      runs += 1;
      return job.name;
    });
    await q.upsertJobScheduler('often', { every: 50 }, { name: 'tick', data: { a: 1 } });
    await q.upsertJobScheduler('yearly', { pattern: '0 0 1 1 *' }, { name: 'year' });
    await until('three runs', () => runs >= 3);
    assert.equal(await q.getJobSchedulersCount(), 2);
    const often = await q.getJobScheduler('often');
    assert.deepEqual([often.every, often.name, often.template.data], [50, 'tick', { a: 1 }]);
    const yearly = await q.getJobScheduler('yearly');
    assert.equal(new Date(yearly.next).getMonth(), 0);
    assert.equal(await q.removeJobScheduler('often'), true);
    assert.equal(await q.removeJobScheduler('often'), false);
    await ends(q, { active: 0, waiting: 0, delayed: 1 });
    await q.upsertJobScheduler('twice', { every: 10, limit: 2 }, { name: 'limited' });
    await until('it is over', async () => (await q.getCompleted()).filter((job) => job.name === 'limited').length === 2);
    await ends(q, { active: 0, waiting: 0, delayed: 1 });
    await w.close();
  },

  // A worker that dies keeps its job until the lock runs out; then another one gets it.
  async stalled() {
    const q = queue('stalled');
    const fast = { lockDuration: 300, stalledInterval: 100, maxStalledCount: 1 };
    let started = 0;
    const dead = worker('stalled', () => {
      started += 1;
      return new Promise(() => {});
    }, { ...fast, skipLockRenewal: true, skipStalledCheck: true });
    await q.add('job', {});
    await until('it is taken', () => started === 1);
    await dead.close(true);
    const events = await listening('stalled');
    const told = [];
    events.on('stalled', ({ jobId }) => told.push(jobId));
    const living = worker('stalled', async () => 'saved', fast);
    await ends(q, { completed: 1, active: 0 });
    const [job] = await q.getCompleted();
    assert.deepEqual([job.returnvalue, job.stalledCounter], ['saved', 1]);
    await until('it is told', () => told.includes(job.id));
    await living.close();
  },

  // The same library over node-redis, which sends scripts and blocking commands its own way.
  async over_node_redis() {
    const open = async () => {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 3 });
      client.on('error', () => {});
      await client.connect();
      return client;
    };
    const q = queue('node-redis', { connection: await open() });
    const w = worker('node-redis', async (job) => job.data * 2, { connection: await open() });
    await q.addBulk([...Array(50).keys()].map((n) => ({ name: 'double', data: n })));
    await q.add('double', 50, { delay: 50, attempts: 2 });
    await ends(q, { completed: 51, delayed: 0 });
    const values = (await q.getCompleted(0, -1)).map((job) => job.returnvalue).sort((a, b) => a - b);
    assert.deepEqual(values, [...Array(51).keys()].map((n) => n * 2));
    await w.close();
  },
};

play(scenarios);
