// Writes schema.d.ts, the types of the OpenAPI document named as argument; binary bodies are a Blob.
// From the documentation of openapi-typescript.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const BLOB = ts.factory.createTypeReferenceNode(ts.factory.createIdentifier("Blob"));

const document = JSON.parse(await readFile(process.argv[2], "utf-8"));
const types = await openapiTS(document, {
  transform: (schema) => (schema.format === "binary" ? BLOB : undefined),
});
await writeFile("schema.d.ts", astToString(types));
