"""Send a letter, where a mail server is set."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from django.conf import settings

_TIMEOUT = 10  # seconds


class MailUnavailable(Exception):
    """The letter was not sent."""


def is_configured() -> bool:
    return bool(settings.HDEADMIN_EMAIL_URL)


def send(to: str, subject: str, text: str) -> None:
    """Send one letter of plain text.

    Raises:
        MailUnavailable: the server does not answer, or refused it.
    """
    server = urlsplit(settings.HDEADMIN_EMAIL_URL)
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = settings.HDEADMIN_EMAIL_FROM, to, subject
    letter.set_content(text)
    try:
        with _connect(server.scheme, server.hostname or "", server.port) as connection:
            if server.username:
                connection.login(unquote(server.username), unquote(server.password or ""))
            connection.send_message(letter)
    except (OSError, smtplib.SMTPException) as error:
        raise MailUnavailable(str(error)) from error


def _connect(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=_TIMEOUT, context=ssl.create_default_context())
    connection = smtplib.SMTP(host, port or 587, timeout=_TIMEOUT)
    if host not in ("localhost", "127.0.0.1"):
        # A password, or the link, never goes over the network in the clear.
        connection.starttls(context=ssl.create_default_context())
    return connection
