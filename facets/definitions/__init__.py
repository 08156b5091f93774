"""What a facet is: `from facets.definitions import FacetDefinition, Model`. Imports no Django."""

from facets.definitions.definition import DefinitionError, EventType, FacetDefinition, Model, TypedProcessor

__all__ = ["DefinitionError", "EventType", "FacetDefinition", "Model", "TypedProcessor"]
