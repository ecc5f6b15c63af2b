/** Lists of numbers, one a place, in two columns: the list of place i ends at ends[i]. */
export interface Lists {
  readonly ends: Uint32Array;
  readonly values: Uint32Array;
}

export function lists(all: readonly (readonly number[])[]): Lists {
  let end = 0;
  const ends = Uint32Array.from(all, (list) => {
    end += list.length;
    return end;
  });
  return { ends, values: Uint32Array.from(all.flat()) };
}

export function listOf({ ends, values }: Lists, place: number): Uint32Array {
  return values.subarray(place === 0 ? 0 : ends[place - 1], ends[place]);
}

/** Of lists of places: by place, the places whose lists have it. */
export function inverted({ ends, values }: Lists): Lists {
  const size = ends.length;
  const counts = new Uint32Array(size);
  for (let i = 0; i < values.length; i++) (counts[values[i] as number] as number)++;
  const to = new Uint32Array(size);
  for (let place = 1; place < size; place++) to[place] = (to[place - 1] as number) + (counts[place - 1] as number);
  const users = new Uint32Array(values.length);
  for (let place = 0, i = 0; place < size; place++)
    for (; i < (ends[place] as number); i++) users[(to[values[i] as number] as number)++] = place;
  return { ends: to, values: users };
}
