"""Make one entity's state again from its history: first what would change, then the change."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from facets.changes import preview_token, recalculate
from facets.changes.audited_write import announcing
from facets.changes.preview_token import ConfirmationRefused, Promise, PromisedEvent
from facets.changes.recalculate import Outcome, PreviewOutdated, RecalculationRefused
from facets.conf import current_table
from facets.core import (
    FacetError,
    InvalidRecord,
    RecordTooLarge,
    SequenceConflict,
    StoreUnavailable,
    TableNotFound,
    json,
)
from facets.core.diff import ABSENT, diff
from facets.core.facet import Facet
from facets.core.history import LogEntry
from facets.core.json import JSON
from facets.core.reconcile import Finding
from facets.core.records import partition_key
from facets.core.store import new_operation_id
from facets.definitions import display
from facets.definitions.definition import FacetDefinition, humanize
from facets.definitions.masking import mask_unknown
from facets.views.entity import LONGEST_KEY, event_url, missing
from facets.views.permissions import require_definition
from hdeadmin.audit import log
from hdeadmin.audit.log import AuditUnavailable

SHORTEST_REASON = 5  # characters
LONGEST_REASON = 500

# Rows of each table; the headings give whole counts.
MAX_ROWS = 100
MAX_ARRIVED = 20


@require_http_methods(["GET", "HEAD", "POST"])
def recalculate_entity(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """Show the stored state against a replay; on POST write the replayed one, as it was previewed and for a reason.

    409: the entity has moved on, or the rules have. 422: the confirmation or the reason will not do, or the rules
    refuse the history. 503: the table did not answer; it says what was written. In all others nothing was.
    """
    definition = require_definition(request, facet, "recalculate")
    if len(partition_key(facet, entity_id).encode()) > LONGEST_KEY:
        return missing(request, facet, entity_id)
    page = _Page(request, definition, entity_id)
    if request.method != "POST":
        return page.render()
    page.reason = " ".join(request.POST.get("reason", "").split())
    text = request.POST.get("promise", "")
    try:
        promise = preview_token.read(
            text, person=page.person, action="recalculate", facet=facet, id=entity_id
        )
    except ConfirmationRefused as refused:
        page.record("confirm-refused", "refused", why=str(refused))
        return page.render(notice=_Notice("The confirmation cannot be used", str(refused)), status=422)
    if not SHORTEST_REASON <= len(page.reason) <= LONGEST_REASON:
        page.reason_error = (
            f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters; it has {len(page.reason)}."
        )
        return page.render(status=422)
    try:
        done = recalculate.apply(
            page.engine,
            entity_id,
            seen_seq=promise.seq,
            seen_digest=_digest(promise),
            actor=request.user.get_username(),
            reason=page.reason,
            operation_id=promise.operation_id,
            announce=announcing(definition.sensitive_fields, request=request),
        )
    except AuditUnavailable as outage:
        return page.out_of_reach(outage, text)
    except SequenceConflict as conflict:
        return page.render(conflict=conflict, status=409)
    except PreviewOutdated:
        notice = _Notice(
            "It is no longer what you saw",
            "The rules or the stored record have changed since the preview. Below is what would change now.",
        )
        return page.render(notice=notice, status=409)
    except RecalculationRefused:
        return page.render(status=422)
    except (StoreUnavailable, TableNotFound) as outage:
        return page.out_of_reach(outage, text)
    except (InvalidRecord, RecordTooLarge) as refusal:
        notice = _Notice("The state cannot be stored", display.visible(str(refusal)))
        return page.render(notice=notice, status=422)
    if done is None:
        return missing(request, facet, entity_id)
    if done.would_write:
        messages.success(request, f"Recalculated from {done.events_read:,} events.")
    else:
        # Nothing was written, whether this is on record or not.
        with suppress(AuditUnavailable):
            page.record("recalculate", "unchanged", reason=page.reason)
        messages.info(request, "The stored state was right already; nothing was written.")
    return HttpResponseRedirect(reverse("entity", args=[facet, entity_id]))


@dataclass(frozen=True, slots=True)
class _Notice:
    """Why nothing was written."""

    title: str
    text: str


class _Page:
    """The page of one entity's recalculation, whatever it has come to."""

    def __init__(self, request: HttpRequest, definition: FacetDefinition[Any], entity_id: str) -> None:
        self.request = request
        self.definition = definition
        self.sensitive = definition.sensitive_fields
        self.entity_id = entity_id
        self.engine: Facet = definition.facet(current_table().db(definition.name))
        self.person = str(request.user.pk)
        self.url = reverse("entity", args=[definition.name, entity_id])
        self.reason = ""
        self.reason_error = ""

    def render(
        self,
        *,
        notice: _Notice | None = None,
        conflict: SequenceConflict | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Render a preview of now, with a promise of its own."""
        try:
            outcome = recalculate.preview(self.engine, self.entity_id)
        except InvalidRecord as error:
            unreadable = {"unreadable": display.visible(str(error))}
            return self._respond(unreadable, 422 if self.request.method == "POST" else 200)
        if outcome is None:
            return missing(self.request, self.definition.name, self.entity_id)
        if self.request.method == "GET":
            self.record("preview", "refused" if outcome.refusal else "ok", would_write=outcome.would_write)
        counts = outcome.messages.counts
        arrived = outcome.arrived_since(conflict.expected_seq) if conflict else []
        context: dict[str, Any] = {
            "outcome": outcome,
            "changes": display.changes(
                outcome.changes,
                self.definition.label,
                sensitive=self.sensitive,
                heading=self.definition.heading,
            ),
            "failures": [
                {
                    "seq": failure.seq,
                    "url": event_url(self.url, failure.seq),
                    "type": display.visible(failure.type),
                    "error": display.visible(failure.error),
                }
                for failure in outcome.failures[:MAX_ROWS]
            ],
            "unruled": [
                {
                    "type": display.visible(unruled.type),
                    "count": unruled.count,
                    "events": [(seq, event_url(self.url, seq)) for seq in unruled.seqs],
                    "more": unruled.count - len(unruled.seqs),
                }
                for unruled in outcome.unruled[:MAX_ROWS]
            ],
            "findings": [self._finding(found) for found in outcome.messages.findings[:MAX_ROWS]],
            "findings_count": len(outcome.messages.findings),
            "findings_counts": [(kind, count) for kind, count in counts.items() if count],
            "notice": notice,
            "conflict": conflict,
            "arrived": [self._arrived(entry) for entry in arrived[-MAX_ARRIVED:]],
            "arrived_more": max(0, len(arrived) - MAX_ARRIVED),
            "promise": self._promise(outcome) if outcome.can_apply else "",
        }
        return self._respond(context, status)

    def record(self, action: str, result: str, **details: Any) -> None:
        log.record(
            action,
            request=self.request,
            facet=self.definition.name,
            entity=self.entity_id,
            result=result,
            details={"of": "recalculate", **details},
        )

    def out_of_reach(self, outage: FacetError | AuditUnavailable, promise: str) -> HttpResponse:
        """503, with what is known to be written, and the confirmation to send again."""
        context = {
            "outage": True,
            "maybe_written": isinstance(outage, StoreUnavailable) and outage.maybe_written,
            "unrecorded": isinstance(outage, AuditUnavailable),
            "promise": promise,
        }
        response = self._respond(context, 503)
        response.headers["Retry-After"] = "10"
        return response

    def _respond(self, context: dict[str, Any], status: int) -> HttpResponse:
        context |= {
            "facet": self.definition.name,
            "entity_id": self.entity_id,
            "definition": self.definition,
            "reason": self.reason,
            "reason_error": self.reason_error,
            "shortest_reason": SHORTEST_REASON,
            "longest_reason": LONGEST_REASON,
        }
        return render(self.request, "facets/recalculate.html", context, status=status)

    def _promise(self, outcome: Outcome) -> str:
        return Promise(
            person=self.person,
            action="recalculate",
            facet=self.definition.name,
            id=self.entity_id,
            seq=outcome.stored_seq,
            operation_id=new_operation_id(),
            # No event: what is promised is the state, by its digest.
            events=(PromisedEvent("STATE", outcome.digest),),
        ).sign()

    def _arrived(self, entry: LogEntry) -> dict[str, Any]:
        sentence = self.definition.sentence(entry.type, _parsed(entry.itm))
        return {
            "seq": entry.seq,
            "url": event_url(self.url, entry.seq),
            "sentence": display.visible(sentence),
        }

    def _finding(self, finding: Finding) -> dict[str, Any]:
        stored = _parsed(finding.stored.itm) if finding.stored else ABSENT
        published = finding.published.data if finding.published else ABSENT
        differences = diff(stored, published) if finding.kind == "differs" else []
        seq = finding.seq
        return {
            "kind": finding.kind,
            "type": display.visible(finding.type),
            "title": display.visible(humanize(finding.type)),
            "seq": seq,
            "url": event_url(self.url, seq),
            "stored_seq": finding.stored.seq if finding.stored else None,
            "stored_url": event_url(self.url, finding.stored.seq) if finding.stored else None,
            "stored": _on_one_line(self._masked(stored)),
            "published": _on_one_line(self._masked(published)),
            "changes": display.changes(differences, sensitive=self.sensitive),
        }

    def _masked(self, payload: JSON) -> JSON:
        return ABSENT if payload is ABSENT else mask_unknown(payload, self.sensitive)


def _digest(promise: Promise) -> str:
    return str(promise.events[0].data) if promise.events else ""


def _on_one_line(payload: JSON) -> display.Value:
    """A message's payload for a cell of a table."""
    value = display.scalar(payload)
    if value.kind != "raw":
        return value
    text = display.compact(payload)
    return display.Value(
        "raw", display.visible(text[: display.MAX_TEXT] + ("…" if len(text) > display.MAX_TEXT else ""))
    )


def _parsed(itm: str) -> JSON:
    """A payload; as text where it is not JSON."""
    try:
        return json.loads(itm)
    except InvalidRecord:
        return itm
