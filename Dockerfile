# docker build -t mooring .
# docker run --network host --volume mooring-data:/data mooring
#
# Why --network host: this version has no MQTT users, so the bridge serves loopback only and refuses any other
# host at start, also with an admin token; a published port (-p) would reach nobody. With the host's network,
# loopback is the host's own.
#
# The command line is inside: docker exec <container> node dist/src/main.js doctor

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its install script; `prepare` builds the dashboard, which is not here yet.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The image has Node; the copy that npm brings for machines without it stays out.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/node-* node_modules/.bin/node

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production \
    MOORING_HOST=127.0.0.1 \
    MOORING_MQTT_PORT=1883 \
    MOORING_HTTP_PORT=8080 \
    MOORING_DATA_DIR=/data \
    MOORING_LOG_FORMAT=json
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY models ./models
COPY package.json LICENSE ./
# A new named volume takes over the owner of the directory it covers.
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 1883 8080
# Node's own fetch: the image has no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MOORING_HTTP_PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM stops it: no more input, turns finished, everything committed, within 10 s (docker stop waits 10 s).
CMD ["node", "dist/src/main.js", "serve"]
