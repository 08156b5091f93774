"""The trail's pages."""

from django.urls import path

from hdeadmin.audit.views import entries, entry, export

urlpatterns = [
    path("audit/", entries.entries, name="audit"),
    path("audit/export", export.download, name="audit-export"),
    path("audit/<int:number>/", entry.entry, name="audit-entry"),
]
