// The page: everything it knows comes from this server, and nothing goes elsewhere.
const at = (id) => document.getElementById(id);
const rightToLeft = new Set(["ar", "fa", "he", "ur", "ps", "sd", "ug", "yi", "dv", "ckb"]);
const known = new Map();            // paragraph and settings -> translation: what is translated is not sent again
const mostKnown = 500;
let names = new Map(), pairs = new Map(), running = null, turn = 0, shown = [];

const stored = {
  get(name, other) { try { return JSON.parse(localStorage.getItem(name)) ?? other; } catch { return other; } },
  set(name, value) { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* private windows keep nothing */ } },
};

async function ask(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  if (at("key").value) headers.Authorization = `Bearer ${at("key").value}`;
  const answer = await fetch(path, body === undefined ? { headers, signal } : { method: "POST", headers, signal, body: JSON.stringify(body) });
  const found = await answer.json().catch(() => ({ error: answer.statusText }));
  if (!answer.ok) throw new Error(found.error || answer.statusText);
  return found;
}

function say(text, wrong = false) { at("status").textContent = text; at("status").classList.toggle("error", wrong); }

function options(select, codes, chosen, first) {
  select.replaceChildren(...(first ? [new Option(first, "auto")] : []), ...codes.map((code) => new Option(names.get(code) || code, code)));
  select.value = codes.includes(chosen) || (first && chosen === "auto") ? chosen : select.options[0]?.value ?? "";
}

function chooseTargets(wanted) {
  const source = at("source").value;
  const codes = source === "auto" ? [...new Set([...pairs.values()].flat())].sort() : pairs.get(source) || [];
  options(at("target"), codes, wanted || at("target").value);
  direct();
}

function direct() {
  const side = (code) => (rightToLeft.has(code.split("-")[0]) ? "rtl" : "ltr");
  at("text").dir = at("source").value === "auto" ? "auto" : side(at("source").value);
  at("output").dir = side(at("target").value); at("output").lang = at("target").value;
}

function terms() {
  const rows = at("glossary").value.split("\n").map((line) => line.split("=")).filter((row) => row.length === 2 && row[0].trim() && row[1].trim());
  return Object.fromEntries(rows.map(([source, target]) => [source.trim(), target.trim()]));
}

async function translate() {
  const mine = ++turn, text = at("text").value;
  at("count").textContent = [...text].length;
  running?.abort(); running = new AbortController();
  if (!text.trim()) { at("output").replaceChildren(); at("choices").hidden = true; say(""); return; }
  const settings = { source: at("source").value, target: at("target").value, glossary: terms(), details: true, n_best: 3, beam_size: 3 };
  const key = (paragraph) => JSON.stringify([settings, paragraph]);
  const paragraphs = text.split("\n"), missing = [...new Set(paragraphs.filter((one) => one.trim() && !known.has(key(one))))];
  try {
    if (missing.length) {
      say("…");
      const found = await ask("v1/translate", { ...settings, text: missing }, running.signal);
      missing.forEach((paragraph, number) => known.set(key(paragraph), found.translations[number]));
      while (known.size > mostKnown) known.delete(known.keys().next().value);
    }
    if (mine !== turn) return;
    shown = paragraphs.map((one) => (one.trim() ? known.get(key(one)) : null));
    draw(paragraphs);
    const first = shown.find(Boolean);
    say(at("source").value === "auto" && first ? `${names.get(first.source) || first.source} (${Math.round(100 * first.confidence)} %)` : "");
    remember(text);
  } catch (error) {
    if (error.name !== "AbortError" && mine === turn) say(navigator.onLine === false ? "No connection to the server." : error.message, true);
  }
}

function draw(paragraphs) {
  const parts = [];
  paragraphs.forEach((source, number) => {
    if (number) parts.push(document.createTextNode("\n"));
    const found = shown[number];
    if (!found) { parts.push(document.createTextNode(source)); return; }
    let place = 0;
    const letters = [...found.text];
    for (const sentence of found.sentences || []) {
      const [start, stop] = sentence.target_span;
      parts.push(document.createTextNode(letters.slice(place, start).join("")));
      parts.push(drawSentence(sentence, letters, number));
      place = stop;
    }
    parts.push(document.createTextNode(letters.slice(place).join("")));
  });
  at("output").replaceChildren(...parts);
}

function drawSentence(sentence, letters, paragraph) {
  const box = document.createElement("span");
  box.className = "sentence"; box.tabIndex = 0; box.setAttribute("role", "button");
  let place = sentence.target_span[0];
  for (const word of sentence.words) {
    box.append(letters.slice(place, word.span[0]).join(""));
    const one = document.createElement("span");
    one.className = "word" + (word.quality !== null && word.quality < 0.5 ? " doubt" : "");
    one.textContent = letters.slice(...word.span).join("");
    const links = (sentence.alignment || []).filter(([, target]) => target[0] === word.span[0]).map(([source]) => source);
    one.addEventListener("mouseenter", () => point(paragraph, links));
    box.append(one);
    place = word.span[1];
  }
  box.append(letters.slice(place, sentence.target_span[1]).join(""));
  const choose = () => alternatives(box, sentence);
  box.addEventListener("click", choose);
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } });
  return box;
}

// A text area cannot mark several words: the one that a word comes from is named, and selected when nobody writes.
function point(paragraph, links) {
  if (!links.length) return;
  const lines = at("text").value.split("\n"), letters = [...lines[paragraph] || ""];
  say(links.map(([start, stop]) => letters.slice(start, stop).join("")).join(" · "));
  if (document.activeElement === at("text")) return;
  const before = lines.slice(0, paragraph).join("\n").length + (paragraph ? 1 : 0);
  const [start, stop] = links[0];
  at("text").setSelectionRange(before + letters.slice(0, start).join("").length, before + letters.slice(0, stop).join("").length);
}

function alternatives(box, sentence) {
  document.querySelectorAll(".sentence.chosen").forEach((one) => one.classList.remove("chosen"));
  box.classList.add("chosen");
  const list = at("choices").querySelector("ul");
  list.replaceChildren(...[sentence.target, ...sentence.alternatives].map((text) => {
    const row = document.createElement("li"), button = document.createElement("button");
    button.type = "button"; button.textContent = text;
    button.addEventListener("click", () => { box.textContent = text; box.focus(); });
    row.append(button);
    return row;
  }));
  at("choices").hidden = false;
}

let remembering = null;
function remember(text) {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const row = { text, source: at("source").value, target: at("target").value };
    const rows = stored.get("history", []).filter((one) => !text.startsWith(one.text));
    stored.set("history", [row, ...rows].slice(0, 30));
    drawHistory();
  }, 2000);
}

function drawHistory() {
  at("history").replaceChildren(...stored.get("history", []).map((row) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button"; button.textContent = row.text.slice(0, 80);
    button.addEventListener("click", () => restore(row));
    item.append(button);
    return item;
  }));
}

function restore(row) {
  at("source").value = row.source; chooseTargets(row.target); at("text").value = row.text; translate();
}

async function send(file) {
  const body = new FormData();
  body.append("file", file); body.append("source", at("source").value); body.append("target", at("target").value);
  if (at("key").value) body.append("api_key", at("key").value);
  at("progress").hidden = false; at("download").hidden = true; say(file.name);
  try {
    const answer = await fetch("translate_file", { method: "POST", body }), found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    at("download").href = new URL(found.translatedFileUrl).pathname; at("download").hidden = false; at("download").focus(); say("");
  } catch (error) { say(error.message, true); } finally { at("progress").hidden = true; }
}

async function drawMemory() {
  if (!at("memory-box").open) return;
  try {
    const found = await ask("v1/memory"), models = found.models.filter((one) => one.bytes > 0);
    const rows = [...models.map((one) => [one.name, one.bytes, ""]), ...found.workspaces.map((bytes, number) => [`worker ${number + 1}`, bytes, "worker"])];
    const total = rows.reduce((sum, row) => sum + row[1], 0) || 1;
    at("memory").replaceChildren(...rows.map(([name, bytes, kind]) => {
      const part = document.createElement("span");
      part.className = kind; part.title = `${name}: ${(bytes / 1e6).toFixed(1)} MB`; part.style.flexGrow = String(bytes / total);
      return part;
    }));
    at("memory-text").textContent = `${models.length} of ${found.models.length} models in memory, ${(total / 1e6).toFixed(1)} MB with ${found.workspaces.length} workers; budget ${found.budget}`;
  } catch (error) { at("memory-text").textContent = error.message; }
}

let typing = null;
at("text").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(translate, 250); });
at("source").addEventListener("change", () => { chooseTargets(); translate(); });
at("target").addEventListener("change", () => { direct(); translate(); });
at("glossary").addEventListener("change", translate);
at("swap").addEventListener("click", () => {
  const source = at("source").value === "auto" ? shown.find(Boolean)?.source : at("source").value, target = at("target").value;
  if (!source || !pairs.has(target)) return;
  at("text").value = at("output").textContent || at("text").value;
  at("source").value = target; chooseTargets(source); translate();
});
at("clear").addEventListener("click", () => { at("text").value = ""; translate(); at("text").focus(); });
at("copy").addEventListener("click", async () => { try { await navigator.clipboard.writeText(at("output").textContent); say("Copied."); } catch { say("Copying is not allowed here.", true); } });
at("share").addEventListener("click", () => { location.hash = new URLSearchParams({ from: at("source").value, to: at("target").value, text: at("text").value }); say("The address now holds this text."); });
at("file").addEventListener("change", () => { if (at("file").files[0]) send(at("file").files[0]); });
at("drop").addEventListener("dragover", (event) => { event.preventDefault(); at("drop").classList.add("over"); });
at("drop").addEventListener("dragleave", () => at("drop").classList.remove("over"));
at("drop").addEventListener("drop", (event) => { event.preventDefault(); at("drop").classList.remove("over"); if (event.dataTransfer.files[0]) send(event.dataTransfer.files[0]); });
at("forget").addEventListener("click", () => { stored.set("history", []); drawHistory(); });
at("memory-box").addEventListener("toggle", drawMemory);
setInterval(drawMemory, 3000);
window.addEventListener("offline", () => say("No connection to the server.", true));

try {
  const rows = await ask("languages");
  names = new Map(rows.map((row) => [row.code, row.name])); pairs = new Map(rows.map((row) => [row.code, row.targets]));
  const link = new URLSearchParams(location.hash.slice(1)), last = stored.get("languages", {});
  options(at("source"), [...pairs.keys()], link.get("from") || last.source || "auto", "Detect");
  chooseTargets(link.get("to") || last.target);
  at("text").value = link.get("text") || "";
  drawHistory(); translate();
  window.addEventListener("pagehide", () => stored.set("languages", { source: at("source").value, target: at("target").value }));
} catch (error) { say(error.message, true); }
