/** In dist/lmdb.cjs for msgpackr, which costs 4 ms to load: fb's tables hold bytes, and nothing is encoded. */
exports.Encoder = class {
  encode() {
    throw new Error("fb stores bytes only");
  }
  decode() {
    throw new Error("fb stores bytes only");
  }
};
