"""The entities of a list as a file, for those who may take them away."""

from __future__ import annotations

import re
from typing import Any, cast, get_args

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from facets import directory, registry
from facets.lists import export
from facets.lists import filters as addresses
from facets.lists.columns import columns
from facets.lists.export import Format
from facets.lists.filters import Asked
from facets.views.permissions import require
from hdeadmin import ratelimit
from hdeadmin.audit import log


@require_POST
def export_list(request: HttpRequest, facet: str) -> HttpResponse | StreamingHttpResponse:
    """Every entity that the address's list finds, as `format` says: `csv` or `jsonl`. Streamed, whatever its length.

    It is on record before its first byte leaves. 403: no right to export. 404: no such facet or format. 429: too
    often. 503: it cannot be put on record.
    """
    require(request, facet, "export")
    if not ratelimit.allow_export(request):
        return ratelimit.too_many(request)
    format = request.POST.get("format", "")
    if format not in get_args(Format) or not directory.knows(facet):
        raise Http404("There is no such file.")
    definition = registry.get(facet)
    shown = columns(definition)
    asked = addresses.read(request.GET, facet, shown)
    if asked.problems:
        return HttpResponseRedirect(reverse("facet", args=[facet]) + asked.here)
    secret = bool(definition and definition.sensitive_fields)
    log.record("export", request=request, facet=facet, details=_details(asked, format, secret=secret))
    listed = [column for column in shown if column.listed]
    lines = export.lines(directory.every(asked.question), listed, cast(Format, format))
    # A lone surrogate, which no encoding of text has, is written as JSON escapes it.
    response = StreamingHttpResponse(
        (line.encode("utf-8", "backslashreplace") for line in lines),
        content_type=export.CONTENT_TYPES[cast(Format, format)],
    )
    name = f"{re.sub(r'[^A-Za-z0-9_-]+', '_', facet)[:60]}-{timezone.localtime():%Y-%m-%d-%H%M}.{format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _details(asked: Asked, format: str, *, secret: bool) -> dict[str, Any]:
    """What was asked for. Words are left out where they may be a masked value that somebody looked for."""
    count = directory.count(asked.question)
    query = asked.url("q", "size") if secret else asked.url("size")
    return {
        "format": format,
        "query": query.removeprefix("?"),
        "entities": count.number if count.exact else f"about {count.number}",
    } | ({"words": "not recorded"} if secret and asked.question.words else {})
