"""The server's entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hdeadmin.settings")

handler = get_wsgi_application()

from hdeadmin import startup  # noqa: E402 - it reads the settings

application = startup.BackgroundStart(handler)
