/**
 * In dist/lmdb.cjs for node-gyp-build-optional-packages: loads lmdb's native part at once where it is known which that is. Finding it out costs 7 ms a process:
 * child_process for detect-libc, folders listed.
 */
module.exports = (folder) => {
  try {
    return require(`@lmdb/lmdb-${process.platform}-${process.arch}/node.napi.glibc.node`);
  } catch {
    return require("node-gyp-build-optional-packages")(
      require("node:path").dirname(require.resolve("lmdb/package.json", { paths: [folder] })),
    );
  }
};
