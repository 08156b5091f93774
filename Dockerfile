# The console as a server. What it connects to comes from the environment; the README lists every setting.
# First `docker run ... python manage.py migrate`, then `docker run -p 8000:8000 ...` behind a proxy that speaks HTTPS.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN useradd --system --uid 10001 --create-home --home-dir /data hdeadmin
WORKDIR /app

COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt

COPY manage.py LICENSE ./
COPY hdeadmin hdeadmin
COPY facets facets
COPY templates templates
COPY static static
# Settings refuse to load without these; the values are for this step only and are not kept.
RUN SECRET_KEY="only used while the image is built, and kept nowhere" HDEADMIN_AUDIT_KEY="used as little, and kept in no place that outlives the build" ALLOWED_HOSTS=localhost \
    HDEADMIN_STORE=sqlite:none DATABASE_URL=sqlite:///:memory: \
    python manage.py collectstatic --no-input

USER hdeadmin
# Only for whoever keeps Django's database in SQLite; with DATABASE_URL=postgres://... nothing is written here.
ENV DATABASE_URL=sqlite:////data/hdeadmin.sqlite3
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import os, urllib.request as u; \
u.urlopen(u.Request('http://127.0.0.1:8000/healthz', headers={'Host': os.environ['ALLOWED_HOSTS'].split(',')[0].strip(' .').replace('*', 'localhost')}), timeout=4)"]
# No limit on the request line: an entity's id may be 2 KB, three times that percent-encoded, and stands in its address.
CMD ["gunicorn", "hdeadmin.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8", \
     "--limit-request-line", "0", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
