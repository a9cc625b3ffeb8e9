"use strict";

const byId = (id) => document.getElementById(id);
const address = (name) => "/file/" + encodeURIComponent(name);

// Where the server cannot list, this browser remembers what it has stored.
const REMEMBERED = "kumo-files";
const remembered = () => JSON.parse(localStorage.getItem(REMEMBERED) || "[]");
function remember(name, there) {
  const names = new Set(remembered());
  if (there) names.add(name); else names.delete(name);
  localStorage.setItem(REMEMBERED, JSON.stringify([...names].sort()));
}

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
  return (unit ? n.toFixed(1) : n) + " " + units[unit];
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

async function reason(response) {
  try { return (await response.json()).error; } catch { return "HTTP " + response.status; }
}

// One that was remembered: what HEAD says of it.
async function look(name) {
  const response = await fetch(address(name), { method: "HEAD" });
  if (response.status === 404) remember(name, false);
  if (!response.ok) return null;
  const headers = response.headers;
  return {
    name, size: Number(headers.get("content-length")), type: headers.get("content-type") || "",
    etag: headers.get("etag"), stored: Date.parse(headers.get("last-modified")) / 1000,
  };
}

let shown = 0;
async function show() {
  const mine = ++shown;
  const prefix = byId("prefix").value;
  const note = byId("note");
  let files = [];
  let text = "";
  try {
    const response = await fetch("/files?prefix=" + encodeURIComponent(prefix));
    if (response.ok) {
      const listing = await response.json();
      files = listing.files;
      if (listing.unnamed) text = `${listing.unnamed} more without a known name: ask for them by name.`;
    } else {
      text = await reason(response);
      if (response.status === 501) {
        text += ". Shown is what this browser has stored, and a file whose whole name is typed above.";
        const names = new Set(remembered().filter((name) => name.startsWith(prefix)));
        if (prefix) names.add(prefix);
        files = (await Promise.all([...names].map(look))).filter(Boolean);
      }
    }
  } catch (error) {
    text = "The file server does not answer: " + error.message;
  }
  if (mine !== shown) return; // a later one has begun
  note.textContent = text;
  note.hidden = !text;
  byId("files").replaceChildren(...files.map(row));
  byId("empty").hidden = files.length > 0;
}

function row(file) {
  const name = element("td", {});
  if (file.type.startsWith("image/")) {
    // The tag makes a replaced picture another address.
    const source = address(file.name) + "?" + encodeURIComponent(file.etag);
    const picture = element("input", { type: "image", className: "thumb", src: source, alt: "Preview of " + file.name });
    picture.addEventListener("click", () => preview(file.name, source));
    name.append(picture);
  }
  name.append(element("a", { href: address(file.name), textContent: file.name, download: file.name.split("/").pop() }));
  const remove = element("button", { textContent: "Delete", ariaLabel: "Delete " + file.name });
  remove.addEventListener("click", async () => {
    if (!confirm(`Delete ${file.name}?`)) return;
    // Not one that somebody stored meanwhile.
    const headers = file.etag ? { "If-Match": file.etag } : {};
    const response = await fetch(address(file.name), { method: "DELETE", headers });
    if (response.ok || response.status === 404) remember(file.name, false);
    else alert(await reason(response));
    show();
  });
  const stored = file.stored ? new Date(file.stored * 1000).toLocaleString() : "";
  return element("tr", {}, name, element("td", { textContent: bytes(file.size) }),
    element("td", { textContent: stored }), element("td", {}, remove));
}

function preview(name, source) {
  const dialog = byId("preview");
  dialog.querySelector("img").src = source;
  dialog.querySelector("img").alt = name;
  dialog.querySelector("figcaption").textContent = name;
  dialog.showModal();
}

// fetch does not say how far an upload is.
function upload(file) {
  const bar = element("progress", { max: 1, value: 0 });
  const state = element("span", { textContent: "0%" });
  const line = element("li", {}, element("span", { className: "name", textContent: file.name }), bar, state);
  byId("uploads").append(line);
  const request = new XMLHttpRequest();
  const stop = element("button", { textContent: "Cancel", ariaLabel: "Cancel " + file.name });
  stop.addEventListener("click", () => request.abort());
  line.append(stop);
  return new Promise((done) => {
    const failed = (text) => { state.textContent = text; line.className = "failed"; bar.remove(); };
    request.upload.onprogress = ({ loaded, total }) => {
      bar.value = loaded / total;
      state.textContent = Math.floor(100 * loaded / total) + "%";
    };
    request.onload = () => {
      if (request.status < 300) {
        remember(file.name, true);
        line.remove();
        return;
      }
      try { failed(JSON.parse(request.responseText).error); } catch { failed("HTTP " + request.status); }
    };
    request.onerror = () => failed("the connection broke");
    request.onabort = () => line.remove();
    request.onloadend = () => { stop.remove(); done(); };
    request.open("PUT", address(file.name));
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.send(file);
  });
}

async function uploadAll(files) {
  // One after the other: each has the whole line.
  for (const file of files) await upload(file);
  show();
}

byId("choose").addEventListener("change", ({ target }) => {
  const files = [...target.files];
  target.value = "";
  uploadAll(files);
});
const drop = byId("drop");
for (const event of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(event, (happened) => {
    happened.preventDefault();
    drop.classList.toggle("over", event === "dragover");
    if (event === "drop") uploadAll([...happened.dataTransfer.files]);
  });
}
let typing;
byId("prefix").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(show, 200); });
show();
