# The two bases are arguments, so that a mirror's or a home-made Debian does as well.
ARG BASE=python:3.13-slim
ARG NODE_BASE=node:22-slim
# 0 leaves the embedded demo model out, and 200 MB with it.
ARG LOCAL_MODEL=1

# The pages: the same for every processor, so they are built on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_BASE} AS frontend
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --omit=dev --no-fund --no-audit --no-update-notifier
COPY frontend ./
RUN npm run build

# The Python packages: wheels only, nothing is compiled.
FROM ${BASE} AS python
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check uv
ENV PATH=/opt/uv/bin:$PATH UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /build
RUN python3 -m venv --without-pip /app/.venv
ARG LOCAL_MODEL
COPY requirements.lock requirements-local.lock ./
RUN if [ "$LOCAL_MODEL" = 1 ]; then lock=requirements-local.lock; else lock=requirements.lock; fi \
    && uv pip install --python /app/.venv/bin/python --no-deps --require-hashes --only-binary :all: -r "$lock"
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY --from=frontend /build/src/llm_router/web/static ./src/llm_router/web/static
RUN uv pip install --python /app/.venv/bin/python --no-deps .

FROM ${BASE}
# llama.cpp counts on the system's OpenMP.
ARG LOCAL_MODEL
RUN if [ "$LOCAL_MODEL" = 1 ]; then \
        apt-get update && apt-get install -y --no-install-recommends libgomp1 \
        && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb; \
    fi
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app router \
    && mkdir -p /app/data && chown router:router /app/data
COPY --from=python /app/.venv /app/.venv
WORKDIR /app
USER router
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATABASE_PATH=/app/data/llm-router.db
VOLUME /app/data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
CMD ["llm-router", "serve"]
