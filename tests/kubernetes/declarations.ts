import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type JsonSchema = Record<string, unknown>;

/** A name that JavaScript reserves has an underscore before it. */
const FIELD = /^ {4}["']_?([^"']+)["'](\?)?: ((?:\{[^}]*\}|[^;{])*);/gm;
const SIMPLE: Record<string, JsonSchema> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  // None of the fields of our kinds takes a fraction.
  number: { type: 'integer' },
  IntOrString: { type: ['integer', 'string'] },
  Date: { type: 'string' },
  any: {},
};

/**
 * Reads a type of TypeScript declarations as a JSON Schema, in which a field that the type does not have is an error. It
 * reads just what generators of Kubernetes clients write, and throws at anything else.
 */
export class Declarations {
  readonly #definitions: Record<string, JsonSchema> = {};

  /** @param file a `.d.ts` file; `name` one of the types that it exports */
  schemaOf(file: string, name: string): JsonSchema {
    return { ...this.#reference(file, name), $defs: this.#definitions };
  }

  #reference(file: string, name: string): JsonSchema {
    const key = `${file}:${name}`.replaceAll(/[^\w.]/g, '-');
    if (!this.#definitions[key]) {
      this.#definitions[key] = {};
      Object.assign(this.#definitions[key], this.#read(file, name));
    }
    return { $ref: `#/$defs/${key}` };
  }

  #read(file: string, exported: string): JsonSchema {
    const text = readFileSync(file, 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//g, '');
    const [, local = exported] = new RegExp(`\\b(\\w+) as ${exported}\\b`).exec(text) ?? [];
    const resolve = (name: string) => this.#imported(text, file, name);
    const [, alias] = new RegExp(`^export type ${local} = ([^;]+);`, 'm').exec(text) ?? [];
    if (alias) return schemaOfType(alias, resolve);
    const head = `^export (?:interface|declare class) ${local}(?: extends (\\w+))? \\{\\n([\\s\\S]*?)^\\}`;
    const [, parent, body] = new RegExp(head, 'm').exec(text) ?? [];
    if (body === undefined) throw new Error(`${file} has no type ${exported}`);
    const fields = [...body.matchAll(FIELD)];
    const inherited = parent && parent !== 'TypeMeta' ? this.#followed(resolve(parent)) : undefined;
    return {
      type: 'object',
      properties: {
        ...(inherited?.['properties'] as JsonSchema | undefined),
        ...Object.fromEntries(
          fields.map(([, field = '', , type = '']) => [field, schemaOfType(type, resolve)]),
        ),
      },
      required: [
        ...((inherited?.['required'] as string[] | undefined) ?? []),
        ...fields.filter(([, , optional]) => !optional).map(([, field]) => field),
      ],
      additionalProperties: false,
    };
  }

  #followed({ $ref }: JsonSchema): JsonSchema | undefined {
    return this.#definitions[String($ref).replace('#/$defs/', '')];
  }

  #imported(text: string, file: string, name: string): JsonSchema {
    const [, from] =
      new RegExp(`^import \\{[^}]*\\b${name}\\b[^}]*\\} from ["']([^"']+)["']`, 'm').exec(text) ?? [];
    if (from === undefined) return this.#reference(file, name);
    // Of another package: only the metadata of custom resources. It is not checked.
    if (!from.startsWith('.')) return {};
    return this.#reference(join(dirname(file), from.replace(/\.js$/, '.d.ts')), name);
  }
}

function schemaOfType(text: string, resolve: (name: string) => JsonSchema): JsonSchema {
  const type = text.trim();
  const simple = SIMPLE[type];
  if (simple) return simple;
  if (/^("[^"]*"|\d+)( \| ("[^"]*"|\d+))*$/.test(type))
    return { enum: type.split(' | ').map(each => JSON.parse(each)) };
  const [, item] = /^Array<(.*)>$/s.exec(type) ?? [];
  if (item) return { type: 'array', items: schemaOfType(item, resolve) };
  const [, value] = /^\{\s*\[\w+: string\]: (.*);\s*\}$/s.exec(type) ?? [];
  if (value) return { type: 'object', additionalProperties: schemaOfType(value, resolve) };
  if (/^\w+$/.test(type)) return resolve(type);
  throw new Error(`the type ${type} is not read`);
}
