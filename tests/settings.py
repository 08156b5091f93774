"""The settings under test: hdeadmin.settings, read in an environment of the tests' own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from hdeadmin.env import Environment

# What a developer's shell says about databases and clouds is not for tests.
for name in list(os.environ):
    if name.startswith("AWS_") or name in Environment.model_fields:
        del os.environ[name]

FOLDER = Path(tempfile.mkdtemp(prefix="hdeadmin-tests-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

os.environ.update(
    {
        "DEBUG": "true",
        "SECRET_KEY": "for tests only " * 4,
        "HDEADMIN_AUDIT_KEY": "for the trail of tests only " * 2,
        # tests/support/postgresql.py sets it, to run tests on PostgreSQL.
        "DATABASE_URL": os.environ.get("HDEADMIN_TEST_DATABASE_URL")
        or f"sqlite:///{FOLDER / 'hdeadmin.sqlite3'}",
        "HDEADMIN_FACETS": "facets.demo.definitions",
        # Tests of the second factor switch it on.
        "HDEADMIN_MFA": "false",
        # So that its addresses are there; tests of single sign-on run a provider of their own.
        "HDEADMIN_OIDC_ISSUER": "http://127.0.0.1:9/",
        "HDEADMIN_OIDC_CLIENT_ID": "hdeadmin",
        "HDEADMIN_OIDC_CLIENT_SECRET": "secret of the tests",
        "HDEADMIN_STORE": f"sqlite:{FOLDER / 'ledger.sqlite3'}",
        # Invented credentials, an endpoint where nothing answers, and no look at files or at EC2 for others.
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_CONFIG_FILE": str(FOLDER / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(FOLDER / "no-aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        # Playwright leaves an event loop running in the process; Django takes any test after it for async code.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
)

from hdeadmin.settings import *  # noqa: E402, F403
from hdeadmin.settings import DATABASES, LOGGING  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in production: connections to a database in memory lock each other's tables out.
    DATABASES["default"]["TEST"] = {"NAME": str(FOLDER / "test.sqlite3")}
    # It lives for one run, so nothing waits for a disk.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
STATIC_ROOT = FOLDER / "static"
STATIC_ROOT.mkdir()
# A static file is looked for when it is asked for. Otherwise all are listed anew for each test's client.
WHITENOISE_AUTOREFRESH = True
# A password is hashed for every invented person; argon2 is slow by design.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Who reads why a test failed has no use for a line about each request.
LOGGING["loggers"]["hdeadmin.request"] = {"level": "WARNING"}
