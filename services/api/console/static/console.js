// What the pages do beyond links and forms, all of which work without it.
import { deadlines } from "{{deadlines.js}}";
import { keyboard } from "{{keys.js}}";
import { live } from "{{live.js}}";

for (const form of document.querySelectorAll("[data-purpose]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

deadlines(document);
keyboard(document, live(document));
