"""The stored state of an entity as a file, for those who may take it away."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from facets import registry
from facets.conf import current_table
from facets.entities import stored_text
from facets.views.entity import fits_a_key
from facets.views.permissions import require
from hdeadmin import ratelimit
from hdeadmin.audit import log


@require_POST
def entity_state(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """STATE's JSON, as it is stored but for what is masked. A POST, since it is on record before it leaves.

    403: no right to export. 404: there is no stored state. 429: too often. 503: it cannot be put on record.
    """
    require(request, facet, "export")
    if not ratelimit.allow_export(request):
        return ratelimit.too_many(request)
    state = current_table().db(facet).get_state(entity_id) if fits_a_key(facet, entity_id) else None
    if state is None:
        raise Http404("There is no stored state.")
    definition = registry.get(facet)
    sensitive = definition.sensitive_fields if definition else ()
    text = stored_text.payload_text(state, definition, sensitive=sensitive)
    log.record(
        "export", request=request, facet=facet, entity=entity_id, details={"of": "state", "seq": state.seq}
    )
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    name = re.sub(r"[^\w.-]+", "-", f"{facet}-{entity_id}")[:120] + f"-{state.seq}.json"
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response
