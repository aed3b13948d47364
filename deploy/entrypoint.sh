#!/bin/sh
# The image's roles. `release` runs once per deployment, before the others: a container that starts never migrates, so ten of
# them starting at once, or an old one restarting during a release, change nothing.
set -eu

role="${1:-web}"
[ $# -gt 0 ] && shift

case "$role" in
    release)
        python manage.py check --deploy --fail-level ERROR --database default
        python manage.py migrate --no-input
        python manage.py load_catalogue
        exec python manage.py refresh_exchange_rate
        ;;
    web)
        # One process per container; scale by containers. Clients are told apart by the proxy's headers, which the product reads
        # itself (TRUSTED_PROXIES); uvicorn must not replace the proxy's address before.
        exec python -m uvicorn namaskah.asgi:application --host 0.0.0.0 --port "${PORT:-8000}" \
            --workers "${WEB_WORKERS:-1}" --no-access-log --timeout-graceful-shutdown 15 \
            --no-proxy-headers "$@"
        ;;
    worker)
        exec python -m celery -A namaskah worker -P threads -c "${WORKER_THREADS:-16}" \
            --without-gossip --without-mingle -l info "$@"
        ;;
    beat)
        # Exactly one of these runs. Its schedule file only remembers when each entry ran last.
        exec python -m celery -A namaskah beat --pidfile= -s /tmp/celerybeat-schedule -l info "$@"
        ;;
    sandbox)
        exec python -m sandbox --host 0.0.0.0 --port "${SANDBOX_PORT:-8001}" "$@"
        ;;
    manage)
        exec python manage.py "$@"
        ;;
    *)
        echo "Unknown role '$role': one of release, web, worker, beat, sandbox, manage." >&2
        exit 64
        ;;
esac
