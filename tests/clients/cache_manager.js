// The cache manager of the application that Keytag is for: reads of its database are kept under
// prefixed keys with a time to live and tags, and a cache that is away is never an error.
'use strict';

const Redis = require('ioredis');

// Seconds that a kind of data stays fresh: from two minutes to an hour.
const STRATEGIES = {
  leaderboard: { ttl: 120, tags: ['leaderboard'] },
  runs: { ttl: 300, tags: ['runs'] },
  user: { ttl: 900, tags: ['user'] },
  game: { ttl: 3600, tags: ['game', 'leaderboard'] },
};

class CacheManager {
  constructor(port, options = {}) {
    this.prefix = 'app:';
    this.reconnects = 0;
    this.redis = new Redis({
      port,
      host: '127.0.0.1',
      keyPrefix: this.prefix,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      connectTimeout: 2000,
      commandTimeout: 2000,
      retryStrategy: () => 20,
      lazyConnect: true,
      ...options,
    });
    // Without a listener an error event would end the process.
    this.redis.on('error', () => {});
    this.redis.on('reconnecting', () => {
      this.reconnects += 1;
    });
  }

  async get(key) {
    try {
      const text = await this.redis.get(key);
      return text === null ? null : JSON.parse(text);
    } catch {
      return null;
    }
  }

  async set(key, value, strategy) {
    const { ttl, tags } = STRATEGIES[strategy];
    try {
      await this.redis.set(key, JSON.stringify(value), 'EX', ttl, 'TAGS', tags.length, ...tags);
      return true;
    } catch {
      return false;
    }
  }

  // As the application did it before it had tags.
  async setPlain(key, value, strategy) {
    try {
      return (await this.redis.setex(key, STRATEGIES[strategy].ttl, JSON.stringify(value))) === 'OK';
    } catch {
      return false;
    }
  }

  // ioredis does not know the command and so does not prefix its key.
  tag(key, ...tags) {
    return this.redis.call('TAGADD', this.prefix + key, ...tags);
  }

  async getOrLoad(key, strategy, load) {
    const cached = await this.get(key);
    if (cached !== null) {
      return { value: cached, from: 'cache' };
    }
    const value = await load();
    await (strategy === 'plain' ? this.setPlain(key, value, 'user') : this.set(key, value, strategy));
    return { value, from: 'database' };
  }

  async invalidateByTags(...tags) {
    try {
      return await this.redis.call('TAGINVALIDATE', ...tags);
    } catch {
      return 0;
    }
  }

  // Deletes by pattern: SCAN gives full keys, UNLINK is prefixed, so the prefix is cut off between.
  async deletePattern(pattern) {
    let deleted = 0;
    const stream = this.redis.scanStream({ match: this.prefix + pattern, count: 100 });
    for await (const keys of stream) {
      const pipeline = this.redis.pipeline();
      keys.forEach((key) => pipeline.unlink(key.slice(this.prefix.length)));
      for (const [error, count] of await pipeline.exec()) {
        if (error) throw error;
        deleted += count;
      }
    }
    return deleted;
  }

  async statistics() {
    const fields = {};
    for (const line of (await this.redis.info()).split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1);
    }
    const hits = Number(fields.keyspace_hits);
    const misses = Number(fields.keyspace_misses);
    return {
      memory: fields.used_memory_human,
      hits,
      misses,
      hitRate: hits + misses === 0 ? 0 : hits / (hits + misses),
      clients: Number(fields.connected_clients),
      uptime: Number(fields.uptime_in_seconds),
      version: fields.redis_version,
      fields,
    };
  }

  async isHealthy() {
    const late = new Promise((resolve) => {
      setTimeout(resolve, 1000, 'late').unref();
    });
    try {
      return (await Promise.race([this.redis.ping(), late])) === 'PONG';
    } catch {
      return false;
    }
  }
}

module.exports = { CacheManager, STRATEGIES };
