# The server with a packaged redis-cli, in place of redis:7-alpine:
#   docker build -t keytag . && docker run -p 6379:6379 -v data:/data keytag
FROM rust:1-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY protocol protocol
COPY storage storage
COPY server server
COPY tests tests
RUN cargo build --release --locked --bin keytag-server

FROM debian:bookworm-slim
# The ids of redis:7-alpine, so that a volume of it is taken over as it is.
RUN groupadd --system --gid 1000 redis \
 && useradd --system --uid 999 --gid redis --home-dir /data --no-create-home --shell /usr/sbin/nologin redis
RUN apt-get update \
 && apt-get install --yes --no-install-recommends redis-tools \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/keytag-server /usr/local/bin/keytag-server
COPY scripts/docker-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN ln -s keytag-server /usr/local/bin/redis-server \
 && mkdir /data \
 && chown redis:redis /data
VOLUME /data
WORKDIR /data
EXPOSE 6379
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD redis-cli ping | grep -q PONG
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
