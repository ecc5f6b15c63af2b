/** unbzip2-stream ships no types: a stream of Node 0.8's kind that takes bzip2 and gives bytes. */
declare module "unbzip2-stream" {
  function unbzip2(): NodeJS.ReadWriteStream;
  export = unbzip2;
}
