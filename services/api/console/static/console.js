// What the pages do beyond links and forms, all of which work without it.
import { keyboard } from "{{keys.js}}";
import { live } from "{{live.js}}";

for (const form of document.querySelectorAll("[data-purpose]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

keyboard(document, live(document));
