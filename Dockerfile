# The server as a container. docs/operations.md says how it is run.
#
# Debian, as the tests run on; on Alpine the same would run on musl, which nothing here is tested on, to save some 30 MB.

# With compilers, should there be no ready-made better-sqlite3 for this machine.
FROM node:20-bookworm AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
# What would be published, with exactly the packages that were tested, and without those for development.
RUN npm pack --silent && tar -xzf millrace-*.tgz && cp package-lock.json package/
WORKDIR /build/package
RUN npm ci --omit=dev && npm cache clean --force \
  && cd node_modules/better-sqlite3 && rm -rf deps src build/Release/obj*

FROM node:20-bookworm-slim
LABEL org.opencontainers.image.title="Millrace" org.opencontainers.image.licenses="MIT"
# Flow modules and millrace.config.mjs below /millrace find the package: import … from 'millrace/engine'.
COPY --from=build /build/package /millrace/node_modules/millrace
RUN ln -s /millrace/node_modules/millrace/dist/src/cli/main.js /usr/local/bin/millrace \
  && mkdir /data && chown node:node /data
WORKDIR /millrace
ENV NODE_ENV=production \
  MILLRACE_HOST=0.0.0.0 \
  MILLRACE_PORT=4000 \
  MILLRACE_DATA_DIR=/data \
  MILLRACE_LOG_LEVEL=info
USER node
VOLUME /data
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MILLRACE_PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["millrace"]
CMD ["start"]
