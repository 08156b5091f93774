"""Pages compressed on their way, but for those that another site asks for."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class Compression(GZipMiddleware):
    """Gzip what a person's own click or our own script asks for.

    A page shows what an address says beside what only the person may see, so whoever can make their browser ask for
    many addresses, and see how long the answers are, could guess at the latter (BREACH). Another site can do the
    first; what it asks for is sent as it is. Django adds a random length to all others, and masks each CSRF token anew.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none"):
            return super().process_response(request, response)
        return response
