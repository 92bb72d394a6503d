// clients: what Google's client for Node sees of the storage server. For clients_spec.lua.
//
//     NODE_PATH=.../node_modules node clients.js URL
//
// Prints a line per claim that holds; ends with 1 at the first that does not.
"use strict";

const assert = require("assert");
const { Storage } = require("@google-cloud/storage");

const MIB = 1 << 20;
// A new one for whoever wants retries: a change without a precondition turns them off for good.
const open = () => new Storage({
  apiEndpoint: process.argv[2], projectId: "proj1", useAuthWithCustomEndpoint: false,
});
const storage = open();
const bucket = storage.bucket("bkt");
const control = (what, body) => fetch(`${process.argv[2]}/_control/${what}`,
  { method: body ? "POST" : "DELETE", body: body && JSON.stringify(body) });

const bytes = (size) => {
  const buffer = Buffer.alloc(size);
  for (let i = 0; i < size; i++) buffer[i] = (i * 7 + (i >> 8)) & 255;
  return buffer;
};

const claims = {
  async "a bucket exists"() {
    assert.deepStrictEqual(await bucket.exists(), [true]);
    assert.deepStrictEqual(await storage.bucket("no-such-bucket").exists(), [false]);
  },
  async "a multipart upload is read back"() {
    await bucket.file("a b/ü").save("some bytes", { resumable: false, validation: "crc32c" });
    assert.strictEqual((await bucket.file("a b/ü").download())[0].toString(), "some bytes");
  },
  async "a resumable upload in pieces is read back with its checksum"() {
    const data = bytes(3 * MIB + 5);
    await bucket.file("large").save(data, {
      resumable: true, chunkSize: MIB, validation: "crc32c", metadata: { metadata: { k: "v" } },
    });
    const [read] = await bucket.file("large").download({ validation: "crc32c" });
    assert(data.equals(read));
    assert.deepStrictEqual((await bucket.file("large").getMetadata())[0].metadata, { k: "v" });
  },
  async "a resumable upload in one piece is read back"() {
    const data = bytes(MIB + 1);
    await bucket.file("whole").save(data, { resumable: true, validation: "md5" });
    assert(data.equals((await bucket.file("whole").download({ validation: "md5" }))[0]));
  },
  async "a range is that range"() {
    const [read] = await bucket.file("large").download({ start: 10, end: 19 });
    assert(bytes(20).subarray(10).equals(read));
  },
  async "pages of one are all of it"() {
    const [files] = await bucket.getFiles({ maxResults: 1, autoPaginate: true });
    const names = [];
    let query = { maxResults: 1, autoPaginate: false };
    while (query) {
      const [page, next] = await bucket.getFiles(query);
      names.push(...page.map((file) => file.name));
      query = next;
    }
    assert.deepStrictEqual(names, ["a b/ü", "large", "whole"]);
    assert.strictEqual(files.length, 1);
  },
  async "prefixes are folded"() {
    const [files, , answer] = await bucket.getFiles({ delimiter: "/", autoPaginate: false });
    assert.deepStrictEqual(files.map((file) => file.name), ["large", "whole"]);
    assert.deepStrictEqual(answer.prefixes, ["a b/"]);
  },
  async "what is uploaded with gzip comes unzipped"() {
    await bucket.file("z").save("zipped ".repeat(1000), { gzip: true, resumable: false });
    assert.strictEqual((await bucket.file("z").download())[0].toString(), "zipped ".repeat(1000));
  },
  async "create-only of what is there is 412"() {
    for (const resumable of [false, true]) {
      await assert.rejects(bucket.file("large").save("x", {
        resumable, preconditionOpts: { ifGenerationMatch: 0 },
      }), (error) => Number(error.code || error.status) === 412);
    }
  },
  async "combine, copy, move, metadata and delete go well"() {
    await bucket.combine([bucket.file("a b/ü"), bucket.file("large")], bucket.file("all"));
    const [made] = await bucket.file("all").getMetadata();
    assert.strictEqual(Number(made.size), 3 * MIB + 15);
    assert.strictEqual(made.md5Hash, undefined);
    await bucket.file("all").copy(bucket.file("copy"));
    await bucket.file("copy").move("moved");
    await bucket.file("moved").setMetadata({ contentType: "x/y", metadata: { k: "w" } });
    assert.strictEqual((await bucket.file("moved").getMetadata())[0].contentType, "x/y");
    await bucket.file("moved").delete();
    assert.deepStrictEqual(await bucket.file("moved").exists(), [false]);
    await assert.rejects(bucket.file("moved").delete(), (error) => error.code === 404);
  },
  async "503 and a reset are retried, once or twice"() {
    await control("faults", { preset: "S1.reset-503", match: { operation: "objects.get" } });
    const [made] = await open().bucket("bkt").file("large").getMetadata();
    assert.strictEqual(Number(made.size), 3 * MIB + 5);
    await control("faults");
  },
  async "an upload in pieces survives a 503 after 256 KiB and is whole"() {
    const data = bytes(2 * MIB + 9);
    await control("faults", { preset: "S7.503-after-256K" });
    await open().bucket("bkt").file("hurt").save(data, {
      resumable: true, chunkSize: MIB, validation: "crc32c",
      preconditionOpts: { ifGenerationMatch: 0 },
    });
    assert(data.equals((await bucket.file("hurt").download())[0]));
    await control("faults");
  },
  async "a byte that is turned on the way is found by its checksum"() {
    await control("faults", {
      match: { operation: "objects.get.media" }, action: { corrupt: 100 },
    });
    await assert.rejects(bucket.file("large").download({ validation: "crc32c" }),
      (error) => error.code === "CONTENT_DOWNLOAD_MISMATCH");
    await control("faults");
  },
};

(async () => {
  for (const [name, check] of Object.entries(claims)) {
    await check();
    console.log(name);
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
