/** A query's text asked of a view: the nodes, or the failure that points at the character. */
import { fail, failure, ok } from "../../engine/failure.ts";
import { evaluate } from "../../engine/query/evaluate.ts";
import { parseQuery } from "../../engine/query/parse.ts";
import { QueryProblem } from "../../engine/query/problem.ts";
import type { Result } from "../../engine/types.ts";
import type { View } from "../../engine/view.ts";
import { nearest } from "../../rules/nearest.ts";
import { displayWidth } from "../show/text.ts";

/** Ascending. Fails with exit 2. */
export function askView(view: View, query: string): Result<readonly number[]> {
  return orProblem(query, () => evaluate(view, parseQuery(query, nearest), nearest));
}

/** Null where the query reads well; its labels are not looked at. */
export function malformed(query: string): Result<null> {
  return orProblem(query, () => {
    parseQuery(query, nearest);
    return null;
  });
}

function orProblem<T>(query: string, work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (error) {
    if (!(error instanceof QueryProblem)) throw error;
    return fail(failure("query.malformed", 2, `${error.message}\n${pointed(query, error.at)}`, { hint: error.hint }));
  }
}

/** The line of the query that holds a place, and a caret below that. */
export function pointed(query: string, at: number): string {
  const from = query.lastIndexOf("\n", at - 1) + 1;
  const end = query.indexOf("\n", at);
  const line = query.slice(from, end < 0 ? query.length : end).replaceAll("\t", " ");
  return `  ${line}\n  ${" ".repeat(displayWidth(line.slice(0, at - from)))}^`;
}
