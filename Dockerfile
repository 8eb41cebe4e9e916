# One wheel, built once, installed beside hash-pinned dependencies; models inside, nothing downloaded at run time.
# tests/deploy/test_image.py replays these lines: it knows the instructions below, and fails on one that it does not know.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /builder \
 && python -m venv --without-pip /venv
COPY requirements/build.txt requirements/traces.txt requirements/
RUN /builder/bin/pip install --no-deps --only-binary :all: --require-hashes -r requirements/build.txt \
 && /builder/bin/pip --python /venv/bin/python install --no-deps --only-binary :all: --require-hashes -r requirements/traces.txt \
 && /builder/bin/pip --python /venv/bin/python check
COPY pyproject.toml README.md LICENSE ./
COPY stream stream
RUN /builder/bin/python -m hatchling build -t wheel \
 && /builder/bin/pip --python /venv/bin/python install --no-deps --no-index dist/*.whl

FROM python:3.11.14-slim-bookworm
COPY --from=build /venv /venv
# Official builds of onnxruntime report to their maker unless told not to before they are loaded: this service talks to Kafka alone.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1
# By number, so that Kubernetes sees that it is not root; it needs no name, no home, and no folder of its own.
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('NEWSSTREAM_PROBES_PORT') or 8080}/livez\", timeout=4)"]
ENTRYPOINT ["newsstream"]
CMD ["worker"]
