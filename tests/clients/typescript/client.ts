// Calls the service with a client of the generated types, and prints the answers as JSON.
//     node out/client.js URL DIGIT.png STRIP.png
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [url, digitFile, stripFile] = process.argv.slice(2) as [string, string, string];
// Batches can also be answered as NDJSON.
type Json = "application/json" | "application/problem+json";
const client = createClient<paths, Json>({ baseUrl: url, headers: { Accept: "application/json" } });
const png = async (path: string) => new Blob([await readFile(path)], { type: "image/png" });
const base64 = async (path: string) => (await readFile(path)).toString("base64");

type Item = components["schemas"]["BatchAnswer"]["predictions"][number];
const digitOf = (item: Item) => ("error" in item ? item.error.type : item.digit);

function asForm(body: { file: Blob }): FormData {
  const form = new FormData();
  form.append("file", body.file, "image.png");
  return form;
}

const raw = await client.POST("/predict", {
  params: { query: { model: "lenet5", max_error: 0.01, preprocess: "auto" } },
  headers: { "Content-Type": "image/png" },
  body: await png(digitFile),
  bodySerializer: (body) => body,
});
const form = await client.POST("/predict", {
  body: { file: await png(digitFile) },
  bodySerializer: (body) => asForm(body as { file: Blob }),
});
const batch = await client.POST("/predict/batch", {
  body: { images: [await base64(digitFile), { id: "b", image: await base64(digitFile) }, "no"] },
});
const field = await client.POST("/fields", {
  params: { query: { length: 5 } },
  headers: { "Content-Type": "application/octet-stream" },
  body: await png(stripFile),
  bodySerializer: (body) => body,
});
const checked = await client.POST("/fields/batch", {
  params: { query: { checksum: "luhn" } },
  body: { images: [await base64(stripFile)] },
});
const models = await client.GET("/models");
const reader = await client.GET("/models/{name}", { params: { path: { name: "reader" } } });
const wrong = await client.GET("/models/{name}", {
  params: { path: { name: "nobody" }, header: { "X-Request-ID": "mine" } },
});

const first = checked.data?.fields[0];
console.log(
  JSON.stringify({
    raw: [raw.data?.digit, raw.data?.model, raw.data?.decision],
    form: form.data?.digit,
    batch: batch.data?.predictions.map(digitOf),
    id: batch.data?.predictions[1]?.id,
    field: field.data?.text,
    boxes: field.data?.digits.map((digit) => digit.box.length),
    checked: first && "text" in first ? first.text : undefined,
    models: models.data?.models.map((model) => model.name),
    reader: reader.data && "temperature" in reader.data ? reader.data.title : undefined,
    error: [wrong.response.status, wrong.error?.type, wrong.error?.request_id],
  }),
);
