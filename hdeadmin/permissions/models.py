"""Grants: which group may do what, with which facets."""

from django.contrib.auth.models import Group
from django.db import models


class Grant(models.Model):
    """One action that the people of a group may do, with the facet of this name, or with all where it is empty."""

    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="grants", related_query_name="grant"
    )
    action = models.CharField(max_length=20)
    facet = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("group", "action", "facet"), name="access_grant_once"),
        )
        ordering = ("group__name", "action", "facet")

    def __str__(self) -> str:
        return f"{self.group.name} may {self.action} {self.facet or 'in every facet'}"
