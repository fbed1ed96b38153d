// SPDX-License-Identifier: Apache-2.0
// Swagger UI, in a build that has it.
"use strict";

if (window.SwaggerUIBundle) {
  window.SwaggerUIBundle({ url: "openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null });
}
