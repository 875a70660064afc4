/** Small checks of what JSON came to, tied to the types that they vouch for. */

/** Vouches for a `T`. */
export interface Shape<T> {
  /** What is wrong of a value, with where: `gap.cause: …`; undefined where it is a `T`. */
  problem(value: unknown): string | undefined;
  /** Never there: it binds the shape to its type. */
  readonly type?: T;
}

/** Whether a value has a shape. */
export function has<T>(shape: Shape<T>, value: unknown): value is T {
  return shape.problem(value) === undefined;
}

/** @param what it should be, for people */
export function simple<T>(test: (value: unknown) => value is T, what: string): Shape<T>;
export function simple(test: (value: unknown) => boolean, what: string): Shape<string>;
export function simple(test: (value: unknown) => boolean, what: string): Shape<unknown> {
  return { problem: (value) => (test(value) ? undefined : `: not ${what}`) };
}

export function literal<const T>(wanted: T): Shape<T> {
  return simple((value): value is T => value === wanted, String(wanted));
}

export function oneOf<const T extends readonly string[]>(...known: T): Shape<T[number]> {
  const values = new Set<unknown>(known);
  return simple((value): value is T[number] => values.has(value), known.join(" or "));
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return { problem: (value) => (value === null ? undefined : shape.problem(value)) };
}

/** Of an object's field: it may be missing. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return { problem: (value) => (value === undefined ? undefined : shape.problem(value)) };
}

export function either<A, B>(one: Shape<A>, other: Shape<B>): Shape<A | B> {
  return { problem: (value) => (one.problem(value) === undefined ? undefined : other.problem(value)) };
}

export function array<T>(shape: Shape<T>): Shape<T[]> {
  return {
    problem(value) {
      if (!Array.isArray(value)) return ": not a list";
      for (let i = 0; i < value.length; i++) {
        const problem = shape.problem(value[i]);
        if (problem !== undefined) return under(String(i), problem);
      }
      return undefined;
    },
  };
}

/** Every field of `T` has a shape of its own; fields that are not known are let be. */
export function object<T extends object>(fields: { readonly [Key in keyof T]-?: Shape<T[Key]> }): Shape<T> {
  const shapes = Object.entries<Shape<unknown>>(fields);
  return {
    problem(value) {
      if (!isObject(value)) return ": not an object";
      for (const [name, shape] of shapes) {
        const problem = shape.problem(value[name]);
        if (problem !== undefined) return under(name, problem);
      }
      return undefined;
    },
  };
}

export function record<T>(key: Shape<string>, shape: Shape<T>): Shape<Record<string, T>> {
  return {
    problem(value) {
      if (!isObject(value)) return ": not an object";
      for (const [name, one] of Object.entries(value)) {
        const problem = key.problem(name) ?? shape.problem(one);
        if (problem !== undefined) return under(name, problem);
      }
      return undefined;
    },
  };
}

/** A value that has fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function under(name: string, problem: string): string {
  return problem.startsWith(":") ? name + problem : `${name}.${problem}`;
}
