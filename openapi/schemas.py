"""JSON Schemas (2020-12, as OpenAPI 3.1 takes them) of what goes over the wire, made from the models that read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema as it is written."""

REFERENCE = "#/components/schemas/{model}"


class _Wire(GenerateJsonSchema):
    """Numbers are numbers: that some peers write them as text is forgiven, not described. What is left out is null in
    our models, which is no default worth telling."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        ge, le, gt, lt = (_as_float(schema.get(name)) for name in ("ge", "le", "gt", "lt"))
        return self.float_schema(core_schema.float_schema(ge=ge, le=le, gt=gt, lt=lt))

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:  # noqa: ARG002 - as pydantic calls it
        return {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$"}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        if written.get("default", ...) in (None, [], {}):
            written.pop("default")
        return written

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return {**super().typed_dict_schema(schema), "additionalProperties": False}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


class Schemas:
    """The schemas of all types that a description names: one component for each, and references to them."""

    def __init__(self, types: Iterable[Any]) -> None:
        adapters = [(each, "validation", TypeAdapter(each)) for each in types]
        by_type, written = TypeAdapter.json_schemas(
            adapters,  # type: ignore[arg-type]
            ref_template=REFERENCE,
            schema_generator=_Wire,
        )
        self._by_type: Mapping[Any, Schema] = {each: schema for (each, _), schema in by_type.items()}
        self.components: dict[str, Schema] = {
            _name(name): _tidied(schema) for name, schema in sorted(written.get("$defs", {}).items())
        }

    def of(self, wanted: Any, required: Iterable[str] = ()) -> Schema:
        """Return the schema of a type, which demands the fields `required` beside what it always demands."""
        schema: Schema = _tidied(self._by_type[wanted])
        demanded = list(required)
        return {"allOf": [schema, {"type": "object", "required": demanded}]} if demanded else schema


def _as_float(bound: Any) -> float | None:
    return None if bound is None else float(bound)


def _tidied(schema: Any) -> Any:
    """Return a schema without the titles of its classes, its references by the names of components."""
    if isinstance(schema, list):
        return [_tidied(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        place, _, name = schema["$ref"].rpartition("/")
        schema = {**schema, "$ref": f"{place}/{_name(name)}"}
    tidied = {
        name: _tidied(value) for name, value in schema.items() if not (name == "title" and isinstance(value, str))
    }
    if "ge" in tidied:  # pydantic leaves it so where another check comes before it
        tidied["minimum"] = float(tidied.pop("ge"))
    return tidied


def _name(model: str) -> str:
    """A wire model's name without the word that tells it from the domain's object."""
    return model.removesuffix("Object")


def types_in(values: Iterable[Any]) -> Iterator[Any]:
    """Yield each type once, in order."""
    yield from dict.fromkeys(each for each in values if each is not None)
