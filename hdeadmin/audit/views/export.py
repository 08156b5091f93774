"""The trail, or what is asked for of it, as a file."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from hdeadmin import ratelimit
from hdeadmin.audit import anchors, export, log
from hdeadmin.audit.anchors import AnchorProblem
from hdeadmin.audit.filters import Filters, visible_to
from hdeadmin.audit.views.permissions import require_audit


@require_POST
def download(request: HttpRequest) -> HttpResponseBase:
    """The entries that the filters of the form name, oldest first: `format` is `csv`, or JSON lines with a manifest.

    A POST, since it goes on record before the first entry leaves. 400: a filter cannot be used. 429: too often.
    503: it cannot be put on record, or the signing key cannot be read.
    """
    scope = require_audit(request)
    filters = Filters.read(request.POST)
    if filters.problems:
        return render(request, "audit/not_exported.html", {"problems": filters.problems}, status=400)
    if not ratelimit.allow_export(request):
        return ratelimit.too_many(request)
    as_csv = request.POST.get("format") == "csv"
    try:
        path = settings.HDEADMIN_AUDIT_SIGNING_KEY
        key = anchors.private_key(path) if path and not as_csv else None
    except AnchorProblem as problem:
        return render(request, "audit/not_exported.html", {"problem": str(problem)}, status=503)
    asked = filters.given if scope.every else {**filters.given, "facets": sorted(scope.facets)}
    log.record(
        "export",
        request=request,
        facet=filters.facet,
        entity=filters.entity,
        details={"of": "audit", "format": "csv" if as_csv else "jsonl", "asked": asked},
    )
    entries = filters.of(visible_to(scope))
    by = request.user.get_username()
    chunks = export.as_csv(entries) if as_csv else export.as_json_lines(entries, asked=asked, by=by, key=key)
    response = StreamingHttpResponse(
        chunks, content_type="text/csv; charset=utf-8" if as_csv else "application/jsonl"
    )
    name = f"audit-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{'csv' if as_csv else 'jsonl'}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
