"""The letter that brings somebody the link to their account."""

from django.contrib.auth.models import User

from hdeadmin import mail


def send_link(user: User, link: str, *, first: bool) -> None:
    """Send it.

    Raises:
        mail.MailUnavailable: it was not sent.
    """
    if first:
        subject = "You are invited to hdeadmin"
        text = (
            "An administrator has made you an account in hdeadmin. This link sets your password and opens it:"
        )
    else:
        subject = "A new password for hdeadmin"
        text = "An administrator has asked you to set a new password for hdeadmin. This link does it:"
    mail.send(
        user.email,
        subject,
        f"{text}\n\n{link}\n\nIt works once, within three days. Your name here is {user.get_username()}.\n",
    )
