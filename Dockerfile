# One image for both kinds of process: `booper api` and `booper worker`.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin booper

WORKDIR /app
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY api ./api
COPY booper ./booper
COPY models ./models
COPY runtime ./runtime
COPY workers ./workers
COPY clients/python ./clients/python
RUN pip install --no-deps --no-build-isolation --editable . --editable ./clients/python

USER booper
EXPOSE 8000
ENTRYPOINT ["booper"]
CMD ["api"]
