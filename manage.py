#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hdeadmin.settings")
    if sys.argv[1:2] == ["demo"]:
        # Settings are read before the command runs, so the demo's defaults are chosen here.
        os.environ["HDEADMIN_DEMO"] = "True"
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
