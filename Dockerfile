# syntax=docker/dockerfile:1
# One image, several roles: web (default), worker, beat, sandbox, release, manage. See deploy/entrypoint.sh.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS packages
ARG UV=uv==0.13.8
# Only for a build machine with a certificate authority of its own.
ARG SSL_CERT_FILE
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m pip install --quiet --target /opt/uv "$UV"
COPY requirements.txt /tmp/
# Hashes of the lock are checked; the groups for local runs and tests stay out.
RUN /opt/uv/bin/uv venv --quiet --python python3 /opt/venv \
    && VIRTUAL_ENV=/opt/venv /opt/uv/bin/uv pip sync --quiet --require-hashes /tmp/requirements.txt \
    # Sources of translations, and byte code of thousands of modules of which a process loads a handful: a quarter of the image.
    && find /opt/venv -name '*.po' -delete \
    && find /opt/venv -path '*/simplepycons/__pycache__/_*' -delete \
    && find /opt/venv -path '*/phonenumbers/geodata/__pycache__/*' -delete

FROM ${BASE} AS static
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# Collecting needs settings but no server; the key signs nothing that leaves this stage.
RUN DEBUG=0 SECRET_KEY=build-only-build-only-build-only-build-only-build-only STATIC_ROOT=/app/staticfiles \
    ALLOWED_HOSTS=localhost SITE_URL=https://localhost python manage.py collectstatic --no-input --verbosity 0

FROM ${BASE}
RUN useradd --system --uid 999 --no-create-home --home-dir /app --shell /usr/sbin/nologin app \
    && install --directory --owner=app --group=app --mode=0700 /data
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATIC_ROOT=/app/staticfiles
COPY --from=packages /opt/venv /opt/venv
COPY --from=static /app /app
WORKDIR /app
USER app
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/deploy/entrypoint.sh"]
CMD ["web"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/health', timeout=4)"]
