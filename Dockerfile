# One image for every process: `booper serve`, `booper api`, `booper worker`, `booper migrate`.
# For a build that is the same each time, name the base by its digest: --build-arg BASE=python@sha256:…
ARG BASE=python:3.14-slim
FROM ${BASE} AS packages

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/booper
COPY requirements.lock ./
RUN /opt/booper/bin/pip install --require-hashes -r requirements.lock
COPY setup.cfg pyproject.toml MANIFEST.in README.md LICENSE CHANGELOG.md ./
COPY api ./api
COPY booper ./booper
COPY models ./models
COPY runtime ./runtime
COPY workers ./workers
COPY clients/python ./clients/python
RUN /opt/booper/bin/pip install --no-deps --no-build-isolation . ./clients/python

FROM ${BASE}
LABEL org.opencontainers.image.title="Booper" \
      org.opencontainers.image.description="A self-hosted scheduler of HTTP requests" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.2.0"
ENV PATH=/opt/booper/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /opt/booper /opt/booper
RUN mkdir --mode=0700 /data && chown 10001:10001 /data
# A number, so that Kubernetes can see that it is not root. Nothing but /data and /tmp is written to.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# For `api` and `serve`. A worker has no port by default; the compose file asks the API about it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/healthz', timeout=4)"]
ENTRYPOINT ["booper"]
CMD ["api"]
