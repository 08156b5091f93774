"""The app's routes."""

from django.urls import path, register_converter

from facets.converters import IdConverter, NameConverter
from facets.views import (
    append,
    chart,
    compare,
    drift,
    entity,
    entity_state,
    event,
    export,
    facet,
    field_search,
    grants,
    home,
    recalculate,
    receipt,
    reveal,
    search,
    updates,
)

register_converter(NameConverter, "facet")
register_converter(IdConverter, "id")

urlpatterns = [
    path("", home.home, name="home"),
    path("rights/", grants.rights, name="rights"),
    path("rights/mine/", grants.my_rights, name="my-rights"),
    path("search/", search.search, name="search"),
    path("facets/<facet:facet>/", facet.facet, name="facet"),
    path("facets/<facet:facet>/export/", export.export_list, name="export"),
    path("facets/<facet:facet>/entity/<id:entity_id>", entity.entity, name="entity"),
    path("facets/<facet:facet>/event/<int:seq>/<id:entity_id>", event.event, name="event"),
    path("facets/<facet:facet>/state/<id:entity_id>", entity_state.entity_state, name="entity-state"),
    path("facets/<facet:facet>/news/<id:entity_id>", updates.news, name="news"),
    path("facets/<facet:facet>/reveal/<id:entity_id>", reveal.reveal, name="reveal"),
    path("facets/<facet:facet>/append/", append.new_entity, name="new-entity"),
    path("facets/<facet:facet>/append/<id:entity_id>", append.append_events, name="append"),
    path("facets/<facet:facet>/receipt/<uuid:operation_id>/<id:entity_id>", receipt.receipt, name="receipt"),
    path("facets/<facet:facet>/chart/<id:entity_id>", chart.chart, name="chart"),
    path("facets/<facet:facet>/compare/<id:entity_id>", compare.compare, name="compare"),
    path("facets/<facet:facet>/drift/<id:entity_id>", drift.check, name="drift"),
    path("facets/<facet:facet>/when/<id:entity_id>", field_search.when, name="when"),
    path(
        "facets/<facet:facet>/recalculate/<id:entity_id>", recalculate.recalculate_entity, name="recalculate"
    ),
]
