/** What is wrong with a query, and where. */

export class QueryProblem extends Error {
  /** Where the offending text begins, in UTF-16 units of the query. */
  readonly at: number;
  readonly hint: string;

  constructor(message: string, at: number, hint: string) {
    super(message);
    this.at = at;
    this.hint = hint;
  }
}
