// SPDX-License-Identifier: Apache-2.0
"use strict";

const element = (id) => document.getElementById(id);
// Never "100.0 %" for what isn't certain.
const percent = (probability) => `${(Math.min(probability, 0.999) * 100).toFixed(1)} %`;
let shown = null; // The photo whose answer shows.
let running = null; // Aborts the request before, so that an old answer never shows beside a new photo.

function show_error(message) {
  element("status").textContent = "";
  element("result").hidden = true;
  element("error").textContent = message;
  element("error").hidden = false;
}

function add_row(name, value) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const cell = document.createElement("td");
  cell.textContent = value;
  row.append(head, cell);
  element("details").append(row);
}

function show_details(answer, seconds) {
  element("details").replaceChildren();
  for (const [stage, ms] of Object.entries(answer.timings_ms)) add_row(stage, `${ms.toFixed(2)} ms`);
  add_row("on the server", `${answer.processing_time_ms.toFixed(2)} ms`);
  add_row("with the way there and back", `${(seconds * 1000).toFixed(0)} ms`);
  add_row("photo", `${answer.image.width} × ${answer.image.height}, ${answer.image.format}`);
  add_row("model", `${answer.model.name} ${answer.model.version}`);
  add_row("request", answer.request_id);
}

// Of all images: the probabilities of the labels are given that the image shows one of them.
function shares_of(answer) {
  const neither = answer.neither ?? 0;
  const shares = Object.entries(answer.probabilities).map(([label, probability]) => [label, probability * (1 - neither)]);
  return answer.neither === null ? shares : [...shares, ["neither", neither]];
}

function show_probabilities(answer) {
  const list = element("probabilities");
  list.replaceChildren();
  const most = answer.answer === "neither" ? "neither" : answer.predicted_label;
  for (const [label, probability] of shares_of(answer)) {
    const name = document.createElement("dt");
    name.textContent = label;
    const bar = document.createElement("dd");
    const progress = document.createElement("progress");
    progress.max = 1;
    progress.value = probability;
    if (label === most) progress.className = "most";
    progress.setAttribute("aria-label", `${label}: ${percent(probability)}`);
    bar.append(progress);
    const number = document.createElement("dd");
    number.textContent = percent(probability);
    list.append(name, bar, number);
  }
}

// What the number means to someone who doesn't know what a calibrated probability is.
function show_verdict(answer) {
  const right = Math.round(answer.trust * 100);
  const often = `f 100 photos with a number like this, ${right > 99 ? "more than 99" : `about ${right}`} show a ${answer.predicted_label}`;
  element("result").classList.toggle("unsure", answer.abstained);
  if (answer.answer === "neither") {
    element("verdict").textContent = `This doesn't look like a ${Object.keys(answer.probabilities).join(" or a ")}`;
    element("meaning").textContent = `The model gives ${percent(answer.neither)} to neither.`;
  } else if (answer.abstained) {
    element("verdict").textContent = "Hard to say";
    element("meaning").textContent = `Perhaps a ${answer.predicted_label}, but the model isn't sure enough: o${often}.`;
  } else {
    element("verdict").textContent = `It's a ${answer.answer}, ${percent(answer.trust)}`;
    element("meaning").textContent = `O${often}.`;
  }
}

// The server's own words where it has some, else what the status means.
async function reason_of(response) {
  try {
    const problem = await response.json();
    if (problem.detail) return problem.detail;
  } catch (error) {
    // Not from the service itself: a proxy's page.
  }
  return `the server answered ${response.status} ${response.statusText}`;
}

function offer_feedback(answer) {
  element("thanks").textContent = "";
  element("answers").replaceChildren();
  for (const label of Object.keys(answer.probabilities)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => send_feedback(answer.feedback_token, label, button));
    element("answers").append(button);
  }
}

async function send_feedback(feedback_token, label, chosen) {
  const buttons = element("answers").querySelectorAll("button");
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const response = await fetch("feedback", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ feedback_token, label }),
    });
    if (!response.ok) throw new Error(await reason_of(response));
    chosen.setAttribute("aria-pressed", "true");
    element("thanks").textContent = "Thank you: it counts in the measured accuracy.";
    element("thanks").focus(); // The button that had it is disabled.
  } catch (error) {
    element("thanks").textContent = `Not taken: ${error.message}`;
    buttons.forEach((button) => { button.disabled = false; });
  }
}

// The photo gets darker where it doesn't show the label. The browser smooths between the places.
function draw_map(map) {
  const canvas = element("map");
  canvas.width = map[0].length;
  canvas.height = map.length;
  const pixels = new ImageData(canvas.width, canvas.height);
  map.flat().forEach((trust, i) => { pixels.data[4 * i + 3] = Math.round(204 * (1 - trust)); });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function hide_map() {
  element("map").hidden = true;
  element("why").setAttribute("aria-pressed", "false");
  element("explanation").textContent = "";
}

async function explain(file) {
  if (!element("map").hidden) {
    hide_map();
    return;
  }
  try {
    const response = await fetch("explain", { method: "POST", body: form_of(file) });
    if (!response.ok) throw new Error(await reason_of(response));
    const explanation = await response.json();
    if (file !== shown) return; // Another photo came meanwhile.
    draw_map(explanation.map);
    element("map").hidden = false;
    element("why").setAttribute("aria-pressed", "true");
    element("explanation").textContent = `Dark parts don't look like a ${explanation.predicted_label} to it.`;
  } catch (error) {
    element("explanation").textContent = `It can't say: ${error.message}`;
  }
}

function form_of(file) {
  const form = new FormData();
  form.append("file", file, file.name || "photo");
  return form;
}

function show(answer, file, seconds) {
  shown = file;
  hide_map();
  element("status").textContent = "";
  element("error").hidden = true;
  const preview = element("preview");
  if (preview.src) URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(file);
  show_verdict(answer);
  show_probabilities(answer);
  element("time").textContent = `Answered in ${answer.processing_time_ms.toFixed(1)} ms, ${answer.timings_ms.infer.toFixed(1)} ms of it for the model.`;
  show_details(answer, seconds);
  offer_feedback(answer);
  element("result").hidden = false;
  element("verdict").focus();
}

async function classify(file) {
  if (!file) return;
  if (running) running.abort();
  const mine = new AbortController();
  running = mine;
  element("error").hidden = true;
  element("result").hidden = true;
  element("status").textContent = "Looking at it…";
  const started = performance.now();
  try {
    const response = await fetch("predict", { method: "POST", body: form_of(file), signal: mine.signal });
    if (!response.ok) {
      show_error(`That didn't work: ${await reason_of(response)}`);
      return;
    }
    show(await response.json(), file, (performance.now() - started) / 1000);
  } catch (error) {
    if (error.name !== "AbortError") show_error("The server can't be reached. Is the network up? Try again.");
  }
}

for (const id of ["file", "camera"]) {
  element(id).addEventListener("change", (event) => {
    classify(event.target.files[0]);
    event.target.value = ""; // So that the same photo can be chosen again.
  });
}

for (const button of document.querySelectorAll(".sample")) {
  button.addEventListener("click", async () => {
    try {
      const response = await fetch(button.firstElementChild.src);
      if (!response.ok) throw new Error(await reason_of(response));
      await classify(await response.blob());
    } catch (error) {
      show_error(`The sample can't be loaded: ${error.message}`);
    }
  });
}

element("why").addEventListener("click", () => explain(shown));

const drop = element("drop");
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file) classify(file);
  else show_error("That wasn't a file: drop a photo from a folder.");
});
document.addEventListener("paste", (event) => classify(event.clipboardData.files[0]));
element("form").addEventListener("submit", (event) => event.preventDefault());
