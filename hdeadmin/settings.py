"""Every setting. What differs between deployments comes from the environment, by way of hdeadmin.env."""

from django.contrib.messages import constants as message_levels

from hdeadmin import env, logging

_env = env.read()
_local = _env.DEBUG or _env.HDEADMIN_DEMO
_https = _env.HDEADMIN_HTTPS if _env.HDEADMIN_HTTPS is not None else not _local

BASE_DIR = env.BASE_DIR
DEBUG = _env.DEBUG
SECRET_KEY = _env.SECRET_KEY
SECRET_KEY_FALLBACKS = list(_env.SECRET_KEY_FALLBACKS)
ALLOWED_HOSTS = list(_env.ALLOWED_HOSTS)
CSRF_TRUSTED_ORIGINS = list(_env.CSRF_TRUSTED_ORIGINS)

HDEADMIN_DEMO = _env.HDEADMIN_DEMO
HDEADMIN_STORE = _env.HDEADMIN_STORE
HDEADMIN_FACETS = list(_env.HDEADMIN_FACETS)
HDEADMIN_PRODUCTION_LABEL = _env.HDEADMIN_PRODUCTION_LABEL
HDEADMIN_TICKET_PATTERN = _env.HDEADMIN_TICKET_PATTERN
HDEADMIN_TICKET_URL = _env.HDEADMIN_TICKET_URL
HDEADMIN_AUDIT_KEY = _env.HDEADMIN_AUDIT_KEY
HDEADMIN_AUDIT_KEY_FALLBACKS = list(_env.HDEADMIN_AUDIT_KEY_FALLBACKS)
HDEADMIN_AUDIT_SIGNING_KEY = _env.HDEADMIN_AUDIT_SIGNING_KEY
HDEADMIN_AUDIT_ANCHORS = _env.HDEADMIN_AUDIT_ANCHORS
HDEADMIN_AUDIT_VIEWS = _env.HDEADMIN_AUDIT_VIEWS
HDEADMIN_PROXY_COUNT = _env.HDEADMIN_PROXY_COUNT
# What /readyz asks, by name, so that the deployment does not import the app it serves.
HDEADMIN_READINESS = {
    "database": "hdeadmin.health.database_answers",
    "table": "facets.conf.table_answers",
    "audit": "hdeadmin.audit.checks.can_be_recorded",
}
# What a server does beside answering requests, from its first request on, by name too.
HDEADMIN_AT_START = ["facets.changes.recovery.keep_settling"]

INSTALLED_APPS = [
    # Before Django's, whose commands it puts on record.
    "hdeadmin.accounts",
    # Its pages are those of hdeadmin.accounts.administration; what allauth registers there is not shown.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "hdeadmin",
    "hdeadmin.permissions",
    "hdeadmin.audit",
    "facets",
]
MIDDLEWARE = [
    # First, so that every answer has its line, its id and its headers: static files, errors and redirects too.
    "hdeadmin.logging.RequestLog",
    "hdeadmin.middleware.ResponseHeaders",
    "django.middleware.security.SecurityMiddleware",
    # Before static files, which the demo serves from where they are; those that were collected are compressed already.
    "hdeadmin.compression.Compression",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hdeadmin.health.Probes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "hdeadmin.accounts.sessions.SessionLifetime",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "hdeadmin.error_views.ErrorPages",
    "hdeadmin.error_views.BodyLimit",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "hdeadmin.accounts.mfa.FactorGate",
    "django_htmx.middleware.HtmxMiddleware",
    "hdeadmin.audit.middleware.AuditFailures",
    "facets.middleware.StoreFailures",
    "facets.view_records.RecordedViews",
]
ROOT_URLCONF = "hdeadmin.urls"
WSGI_APPLICATION = "hdeadmin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hdeadmin.theme.theme",
                "hdeadmin.accounts.context_processors.access",
                "hdeadmin.logging.request_id",
                "hdeadmin.audit.context_processors.audit",
                "facets.context_processors.frame",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": env.database(_env.DATABASE_URL)}
CACHES = {
    "default": {
        # Every worker counts in the same place, so that limits hold; made by a migration of hdeadmin.
        "BACKEND": "hdeadmin.cache.JsonCache",
        "LOCATION": "hdeadmin_cache",
        # Part of each key. Version 1 was pickled: during an upgrade neither version meets a row of the other.
        "VERSION": 2,
        # Beyond this entries are thrown out early, and who was locked out would not be.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
MESSAGE_TAGS = {message_levels.SUCCESS: "ok", message_levels.WARNING: "warn", message_levels.ERROR: "danger"}

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = [
    "hdeadmin.accounts.adapter.Backend",
    # Sessions of the version before name it. Remove it, and hdeadmin/access, in the version after this one.
    "hdeadmin.access.entrance.Backend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "hdeadmin.accounts.validators.KnownPasswordValidator"},
    {"NAME": "hdeadmin.accounts.validators.OwnWordsValidator"},
]

# Invitations and the links that set a new password.
PASSWORD_RESET_TIMEOUT = 3 * 24 * 60 * 60  # seconds

ACCOUNT_ADAPTER = "hdeadmin.accounts.adapter.Entrance"
ACCOUNT_FORMS = {"login": "hdeadmin.accounts.adapter.LoginForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
# Nobody signs up; allauth reads here which fields its sign-in has.
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60  # seconds
ACCOUNT_LOGIN_TIMEOUT = 10 * 60  # seconds between the password and the second factor
# "key" is the person whose password or code is guessed at.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "30/m/ip,5/5m/key"}

MFA_ADAPTER = "hdeadmin.accounts.mfa.Factors"
MFA_FORMS = {
    "authenticate": "hdeadmin.accounts.mfa.AuthenticateForm",
    "reauthenticate": "hdeadmin.accounts.mfa.ReauthenticateForm",
    "add_webauthn": "hdeadmin.accounts.mfa.AddPasskeyForm",
    "login_webauthn": "hdeadmin.accounts.mfa.LoginPasskeyForm",
    "authenticate_webauthn": "hdeadmin.accounts.mfa.AuthenticatePasskeyForm",
    "reauthenticate_webauthn": "hdeadmin.accounts.mfa.ReauthenticatePasskeyForm",
}
MFA_RATE_LIMITS = {"webauthn_login": "30/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "hdeadmin"
# There is no page on which anybody adds an address.
MFA_ALLOW_UNVERIFIED_EMAIL = True

SOCIALACCOUNT_ADAPTER = "hdeadmin.accounts.sso.SingleSignOn"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                # Part of the address that the provider sends people back to.
                "provider_id": "sso",
                "name": _env.HDEADMIN_OIDC_NAME,
                "client_id": _env.HDEADMIN_OIDC_CLIENT_ID,
                "secret": _env.HDEADMIN_OIDC_CLIENT_SECRET,
                "settings": {
                    "server_url": _env.HDEADMIN_OIDC_ISSUER,
                    "scope": list(_env.HDEADMIN_OIDC_SCOPES),
                    "oauth_pkce_enabled": True,
                },
            }
        ]
        if _env.HDEADMIN_OIDC_ISSUER
        else []
    }
}
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5  # seconds

HDEADMIN_MFA = _env.HDEADMIN_MFA if _env.HDEADMIN_MFA is not None else not _env.HDEADMIN_DEMO
HDEADMIN_OIDC_ROLES = _env.oidc_roles()
HDEADMIN_OIDC_GROUPS_CLAIM = _env.HDEADMIN_OIDC_GROUPS_CLAIM
HDEADMIN_OIDC_LINK_EMAIL = _env.HDEADMIN_OIDC_LINK_EMAIL
HDEADMIN_OIDC_MFA = list(_env.HDEADMIN_OIDC_MFA)

HDEADMIN_EMAIL_URL = _env.HDEADMIN_EMAIL_URL
HDEADMIN_EMAIL_FROM = _env.HDEADMIN_EMAIL_FROM

SESSION_SERIALIZER = "hdeadmin.accounts.encryption.SealedSerializer"
SESSION_COOKIE_AGE = 30 * 60  # seconds without a request
HDEADMIN_SESSION_SECONDS = 12 * 60 * 60  # seconds from sign-in, whatever is done in them: one working day
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# A browser takes a __Host- cookie from this host only, over HTTPS only, for the whole of it.
_cookie_prefix = "__Host-" if _https else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}hdeadmin_session"
SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_cookie_prefix}hdeadmin_csrf"
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "hdeadmin.error_views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = _https
# Probes come from inside, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = _env.HDEADMIN_HSTS_SECONDS if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# Preloading speaks for a whole domain; that is not for one console on it to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
if _env.HDEADMIN_TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# On a developer's machine there is no `collectstatic`: files are served from where they are.
STATIC_ROOT = None if _local else BASE_DIR / ".static"
WHITENOISE_USE_FINDERS = _local
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if _local
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = _env.TIME_ZONE

# Bytes that a form of somebody signed in may have. A draft is 4 MB at most, a letter of it up to three bytes in a form,
# and its preview carries it along once more, signed.
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
HDEADMIN_STRANGERS_BODY = 64 * 1024  # bytes, before anybody has signed in
# One draft may hold a hundred events, each with lists of its own; what has more is written as JSON.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
# Nothing here takes uploads.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

LOGGING_CONFIG = "hdeadmin.logging.configure"
LOGGING = logging.configuration(readable=_local)
