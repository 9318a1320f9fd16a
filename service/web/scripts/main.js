// The page: tabs, models, and the API key if required.

import { DigitTab } from "./digit.js";
import { FieldTab } from "./field.js";
import { FormsTab } from "./forms.js";
import { ModelsTab } from "./models.js";
import { usePictures } from "./pictures.js";
import { ReviewTab } from "./review.js";
import { Trouble, getJson, useKey } from "./service.js";
import { useTabs } from "./tabs.js";

const NEXT_TRY_MS = 2000;

const tabs = {
  digit: new DigitTab(document.getElementById("digit")),
  field: new FieldTab(document.getElementById("field")),
  forms: new FormsTab(document.getElementById("forms")),
  review: new ReviewTab(document.getElementById("review")),
  models: new ModelsTab(document.getElementById("models")),
};
let chosen = "digit";

async function load() {
  try {
    const catalogue = await getJson("models");
    for (const tab of Object.values(tabs)) tab.use?.(catalogue);
    tabs[chosen].show?.();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    tabs.models.fail(error, load);
    // The models are still loading.
    if (error.status === 503) setTimeout(load, NEXT_TRY_MS);
  }
}

function askForKeys() {
  const form = document.getElementById("key");
  const field = document.getElementById("key-value");
  document.addEventListener("key-required", () => {
    form.hidden = false;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(field.value.trim());
    field.value = "";
    form.hidden = true;
    load();
  });
}

askForKeys();
usePictures((file) => tabs[chosen].sheet?.lay(file));
useTabs(document.querySelector("[role=tablist]"), (name) => {
  chosen = name;
  tabs[name].show?.();
});
load();
