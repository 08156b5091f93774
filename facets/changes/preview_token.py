"""What a preview promised, signed: a write happens only as it was previewed, by who previewed it, and soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.utils.crypto import salted_hmac

from facets.core import json
from facets.core.json import JSON

# A person who was called away comes back to a fresh preview, not to an old promise.
VALID_SECONDS = 60 * 60

_SALT = "facets.confirmations"


class ConfirmationRefused(Exception):
    """The confirmation is not one that this person may use here and now; nothing was written."""


@dataclass(frozen=True, slots=True)
class PromisedEvent:
    """One event of a preview. `corrects` is the seq of the event that it makes good, None if there is none."""

    type: str
    data: JSON
    corrects: int | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What was previewed.

    Attributes:
        person: the key of the one who saw the preview.
        action: `append` or `recalculate`.
        seq: the seq that the entity was at; nothing is written at another.
        operation_id: the same however often the confirmation is sent, so that it is carried out once.
        state: `digest` of the state that the preview began with, since a recalculation changes it at the same seq.
        draft: a digest of the form that was previewed, so that what is shown is what is confirmed.
    """

    person: str
    action: str
    facet: str
    id: str
    seq: int
    operation_id: str
    events: tuple[PromisedEvent, ...] = ()
    state: str = ""
    draft: str = ""

    def sign(self) -> str:
        """The promise as text for a form's hidden field; it can be read there, and not altered."""
        events = [[event.type, json.dumps(event.data), event.corrects] for event in self.events]
        values = [self.person, self.action, self.facet, self.id, self.seq, self.operation_id, events]
        values += [self.state, self.draft]
        return signing.dumps(values, salt=_SALT, compress=True)


def digest(text: str) -> str:
    """Tells a text from any other.

    It goes into promises, which can be read, so it takes the secret key: a masked value could be guessed at otherwise,
    until the digest of the state fits.
    """
    said = text.encode(errors="surrogatepass")
    return salted_hmac(f"{_SALT}.digest", said, algorithm="sha256").hexdigest()[:32]


def read(text: str, *, person: str, action: str, facet: str, id: str) -> Promise:
    """The promise that was signed, if it is this person's, for this action on this entity, and fresh.

    Raises:
        ConfirmationRefused: saying why, in words for the person.
    """
    try:
        values: list[Any] = signing.loads(text, salt=_SALT, max_age=VALID_SECONDS)
        signed_for, signed_action, signed_facet, signed_id, seq, operation_id, signed_events, *digests = (
            values
        )
        events = tuple(
            PromisedEvent(type, json.loads(itm), corrects) for type, itm, corrects in signed_events
        )
        promise = Promise(
            signed_for, signed_action, signed_facet, signed_id, seq, operation_id, events, *digests
        )
    except signing.SignatureExpired:
        raise ConfirmationRefused("The preview is more than an hour old. Look at a fresh one.") from None
    except Exception:  # noqa: BLE001 - forged text, or one signed before an upgrade, can break at any step
        raise ConfirmationRefused("The confirmation was altered on its way, or is not one of ours.") from None
    if promise.person != person:
        raise ConfirmationRefused("Somebody else previewed this. Look at a preview of your own.")
    if (promise.action, promise.facet, promise.id) != (action, facet, id):
        raise ConfirmationRefused("The preview was of something else. Look at a fresh one.")
    return promise
