"""What browser tests of several files do alike: sign in, find a page's address, look for faults."""

from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page

PASSWORD = "correct horse battery"


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    # A click has done its part once the next page begins; its scripts run when it is whole.
    page.wait_for_url("/")


def url_of(name: str, entity_id: str, facet: str = "BANK_ACCOUNT") -> str:
    return reverse(name, args=[facet, entity_id])


def faults(page: Page) -> list[str]:
    """What axe has against a page, and whether it is wider than its window."""
    # A click comes back once the next page begins; without its style sheets it has other colours and is wider.
    page.wait_for_load_state()
    violations = Axe().run(page).response["violations"]
    problems = [
        f"{each['id']}: {each['nodes'][0]['html'][:120]} ({len(each['nodes'])})" for each in violations
    ]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        problems.append("wider than the window")
    return problems
