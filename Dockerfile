# One wheel, built once, installed beside hash-pinned dependencies; models inside, nothing downloaded at run time.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements/build.txt requirements/traces.txt requirements/
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/traces.txt \
 && python -m venv /builder \
 && /builder/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY stream stream
RUN /builder/bin/python -m hatchling build -t wheel \
 && /venv/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home newsstream
COPY --from=build /venv /venv
# Official builds of onnxruntime report to their maker unless told not to before they are loaded: this service talks to Kafka alone.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('NEWSSTREAM_PROBES_PORT', '8080')}/livez\", timeout=4)"]
ENTRYPOINT ["newsstream"]
CMD ["worker"]
