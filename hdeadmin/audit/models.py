"""The rows of the trail. They are inserted by `log.record`, and by nothing else; nothing changes or deletes them."""

import json
from typing import Any, ClassVar

from django.db import models

from hdeadmin.audit.fields import ExactTextField


class AuditEntry(models.Model):
    """One thing that somebody did, or was refused, or that was done to their account.

    Attributes:
        number: 1, 2, 3 … without gaps.
        at: UTC; never earlier than that of the entry before.
        person: user name, or for a command the account that ran it; "" where nobody is signed in.
        person_id: the user's key, for a name that was given to another later.
        signed_in_by: how, such as `password, totp`.
        session: an HMAC of the session's key: tells sessions apart, and opens none.
        phase: `intent` before a write, `outcome` after it, `event` for all else.
        intent: of an outcome, the number of its intent.
        result: `ok`, or one word for what came of it.
        seq_before, seq_after: of the entity, around a write.
        changes_json: the masked difference, a JSON list; "" for none. See `changes`.
        details_json: what else there is to say, a JSON object; "" for nothing. See `details`.
        version, key_id: the canonical form, and the key, that `mac` was made with.
        previous: the mac of the entry before; "" for the first.
        mac: HMAC-SHA256 over all of the above, in hexadecimal.
    """

    class Phase(models.TextChoices):
        EVENT = "event"
        INTENT = "intent"
        OUTCOME = "outcome"

    number = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    phase = models.CharField(max_length=10, choices=Phase.choices)
    result = models.CharField(max_length=40)
    person = ExactTextField()
    person_id = models.BigIntegerField(null=True)
    signed_in_by = ExactTextField()
    session = models.CharField(max_length=64)
    address = models.CharField(max_length=64)
    request_id = ExactTextField()
    facet = ExactTextField()
    entity = ExactTextField()
    operation_id = ExactTextField()
    intent = models.BigIntegerField(null=True)
    reason = ExactTextField()
    ticket = ExactTextField()
    seq_before = models.BigIntegerField(null=True)
    seq_after = models.BigIntegerField(null=True)
    changes_json = models.TextField()
    details_json = models.TextField()
    version = models.SmallIntegerField()
    key_id = models.CharField(max_length=16)
    previous = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "audit entries"
        ordering: ClassVar = ["-number"]
        indexes: ClassVar = [
            models.Index(fields=["at", "number"], name="audit_by_time"),
            models.Index(fields=["person", "number"], name="audit_by_person"),
            models.Index(fields=["action", "number"], name="audit_by_action"),
            models.Index(fields=["result", "number"], name="audit_by_result"),
            models.Index(fields=["facet", "number"], name="audit_by_facet"),
            models.Index(fields=["entity", "facet", "number"], name="audit_by_entity"),
            models.Index(fields=["ticket", "number"], name="audit_by_ticket"),
            models.Index(fields=["operation_id", "number"], name="audit_by_operation"),
            models.Index(fields=["number"], name="audit_intents", condition=models.Q(phase="intent")),
            models.Index(fields=["intent"], name="audit_outcomes", condition=models.Q(intent__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.action} {self.result}"

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [change for change in _parsed(self.changes_json, list) if isinstance(change, dict)]

    @property
    def details(self) -> dict[str, Any]:
        return dict(_parsed(self.details_json, dict))


def _parsed(text: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """Empty for what is not of the form: an entry that was tampered with is still to be looked at."""
    try:
        value = json.loads(text) if text else kind()
    except ValueError:
        return kind()
    return value if isinstance(value, kind) else kind()


class ChainHead(models.Model):
    """The one row that says where the trail ends; whoever adds an entry holds it meanwhile."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField()
    at = models.DateTimeField(null=True)
    mac = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.number}"
