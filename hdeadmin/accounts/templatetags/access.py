"""Filters for the pages of people and accounts."""

from allauth.socialaccount.models import SocialAccount
from django import template

register = template.Library()

# In this order: each browser also calls itself by the names of those after it.
_BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@register.filter
def browser(user_agent: str) -> str:
    """What people call a browser, "Firefox on Windows"; "another program" for what calls itself otherwise."""
    name = next((name for mark, name in _BROWSERS.items() if mark in user_agent), "another program")
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), "")
    return f"{name} on {system}" if system else name


@register.filter
def called(identity: SocialAccount) -> str:
    """What an identity is called at the provider: by e-mail, name, or at worst its subject."""
    told = identity.extra_data
    return next(
        (str(told[name]) for name in ("email", "preferred_username", "name", "sub") if told.get(name)), ""
    )
