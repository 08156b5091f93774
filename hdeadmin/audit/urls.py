"""The trail's pages."""

from django.urls import path

from hdeadmin.audit.views import download, entries, entry

urlpatterns = [
    path("audit/", entries.entries, name="audit"),
    path("audit/export", download.download, name="audit-export"),
    path("audit/<int:number>/", entry.entry, name="audit-entry"),
]
