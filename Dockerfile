# Packages are installed in a stage of their own, so the image carries neither pip's cache nor pip itself.
FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --requirement requirements.txt \
    && /opt/venv/bin/pip uninstall --yes pip

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json
RUN useradd --system --uid 1000 --home-dir /srv/sekretar --shell /usr/sbin/nologin sekretar
WORKDIR /srv/sekretar
COPY --from=packages /opt/venv /opt/venv
COPY . .
RUN SECRET_KEY=only-for-this-step python manage.py collectstatic --no-input --verbosity 0 \
    && install -d -o sekretar -m 700 data
USER sekretar
VOLUME /srv/sekretar/data
EXPOSE 8000
STOPSIGNAL SIGTERM
# For the web side, which is what the image starts by default; the bot's is `manage.py runbot --ping` (deploy/compose.yaml).
# Whether all is well is another question: /readyz (docs/howto/monitoring.md).
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import http.client as http; \
    web = http.HTTPConnection('127.0.0.1', 8000, timeout=4); web.request('GET', '/healthz'); \
    raise SystemExit(web.getresponse().status != 200)"]
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", \
     "--timeout-graceful-shutdown", "20"]
