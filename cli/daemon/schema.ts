/** The part of JSON Schema that the daemon's routes are described in: what a body may hold, checked here and published in /openapi.json. */

export type Schema =
  | { readonly type: "string"; readonly description?: string; readonly enum?: readonly string[]; readonly maxLength?: number }
  | { readonly type: "number" | "integer"; readonly description?: string; readonly minimum?: number; readonly maximum?: number }
  | { readonly type: "boolean"; readonly description?: string }
  | { readonly type: "array"; readonly items: Schema; readonly description?: string; readonly maxItems?: number }
  | ObjectSchema
  | { readonly anyOf: readonly Schema[]; readonly description?: string }
  | { readonly type: "null"; readonly description?: string }
  | { readonly $ref: string };

export interface ObjectSchema {
  readonly type: "object";
  readonly description?: string;
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
}

/** Longer words than these mean nothing to fb. */
const TEXT_LIMIT = 4096;

export const text = (description: string): Schema => ({ type: "string", description, maxLength: TEXT_LIMIT });
export const flag = (description: string): Schema => ({ type: "boolean", description });
export const whole = (description: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): Schema => ({
  type: "integer",
  description,
  minimum,
  maximum,
});
export const seconds = (description: string): Schema => ({ type: "number", description, minimum: 0, maximum: 31_536_000 });
export const choice = (description: string, ...of: readonly string[]): Schema => ({ type: "string", description, enum: of });
export const list = (items: Schema, description: string): Schema => ({ type: "array", items, description });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: "null" }] });

/** The names in `optional` may be missing. */
export function object(properties: Readonly<Record<string, Schema>>, ...optional: readonly string[]): ObjectSchema {
  return { type: "object", properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}

/** Every name may be missing. */
export function options(properties: Readonly<Record<string, Schema>>, ...required: readonly string[]): ObjectSchema {
  return { type: "object", properties, required };
}

/** What is wrong with a value, as "at.some.name must be …"; null: nothing. A null counts as missing; names that the schema does not have are let through, as clients of other versions send them. */
export function wrongWith(value: unknown, schema: Schema, at = "the body"): string | null {
  if ("$ref" in schema) throw new Error("a reference in a body's schema");
  if ("anyOf" in schema) {
    const all = schema.anyOf.map((one) => wrongWith(value, one, at));
    return all.includes(null) ? null : (all[0] ?? null);
  }
  switch (schema.type) {
    case "null":
      return value === null ? null : `${at} must be null`;
    case "boolean":
      return typeof value === "boolean" ? null : `${at} must be true or false`;
    case "string":
      if (typeof value !== "string") return `${at} must be a text`;
      if (schema.enum !== undefined && !schema.enum.includes(value)) return `${at} must be one of ${schema.enum.join(", ")}`;
      if (value.length > (schema.maxLength ?? TEXT_LIMIT)) return `${at} is longer than ${schema.maxLength ?? TEXT_LIMIT} characters`;
      return value.includes("\0") ? `${at} has a NUL in it` : null;
    case "number":
    case "integer": {
      const right = typeof value === "number" && Number.isFinite(value) && (schema.type === "number" || Number.isSafeInteger(value));
      const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
      if (right && value >= minimum && value <= maximum) return null;
      return `${at} must be a${schema.type === "integer" ? " whole" : ""} number${Number.isFinite(minimum) ? ` from ${minimum} to ${maximum}` : ""}`;
    }
    case "array": {
      if (!Array.isArray(value)) return `${at} must be a list`;
      if (value.length > (schema.maxItems ?? 1000)) return `${at} has more than ${schema.maxItems ?? 1000} items`;
      return first(value.map((item, i) => wrongWith(item, schema.items, `${at}[${i}]`)));
    }
    case "object": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return `${at} must be a JSON object`;
      const given = value as Readonly<Record<string, unknown>>;
      const has = (name: string) => Object.hasOwn(given, name) && given[name] !== null;
      const missing = schema.required.find((name) => !has(name));
      if (missing !== undefined) return `${at} lacks "${missing}"`;
      return first(
        Object.entries(schema.properties).map(([name, inner]) => (has(name) ? wrongWith(given[name], inner, `"${name}"`) : null)),
      );
    }
  }
}

function first(all: readonly (string | null)[]): string | null {
  return all.find((one) => one !== null) ?? null;
}
