"use strict";
// What the file says is only ever put into the page as text (textContent), never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const cells = bytesOf(data.cells);           // 4 bytes a page: kind, fill, database, flags
const lsns = new DataView(bytesOf(data.lsns).buffer);    // 8 bytes a page: file, offset
const headers = bytesOf(data.headers);       // data.header_length bytes a page, from page 0 on
const raw = bytesOf(data.raw);               // the pages of raw_pages, one after the other
const rawPlace = new Map(data.raw_pages.map((page, index) => [page, index]));
const writers = data.writers && { kinds: bytesOf(data.writers.kinds), txns: new DataView(bytesOf(data.writers.txns).buffer) };
const UNKNOWN = 255, NONE = 255;
const FREE = 1, DELETED = 2, REMAINS = 4, WARNING = 8, DAMAGED = 16, UNWRITTEN = 32;
const count = data.pages, little = data.little_endian, size = data.page_size, overhead = data.overhead;
const COLOURS = {
  0: "#d4d4d8", 1: "#f472b6", 2: "#84cc16", 3: "#f59e0b", 4: "#f59e0b", 5: "#22c55e", 6: "#14b8a6", 7: "#a855f7",
  8: "#1d4ed8", 9: "#1d4ed8", 10: "#1d4ed8", 11: "#0ea5e9", 12: "#f472b6", 13: "#65a30d", 14: "#1d4ed8",
  15: "#0d9488", 16: "#64748b", 255: "#000000",
};
const UNWRITTEN_COLOUR = "#ffffff", DAMAGE_COLOUR = "#e11d48", WARNING_COLOUR = "#facc15";
let cell = count > 20000 ? 6 : count > 2000 ? 10 : 16;
let columns = 1, selected = -1, first = 0;

const kindOf = (page) => cells[page * 4], fillOf = (page) => cells[page * 4 + 1];
const databaseOf = (page) => cells[page * 4 + 2], flagsOf = (page) => cells[page * 4 + 3];
const kindName = (page) => flagsOf(page) & UNWRITTEN ? "never written" : data.kinds[kindOf(page)] || "of unknown type";
const databaseName = (page) => databaseOf(page) === NONE ? "no database" : data.databases[databaseOf(page)] || "another database";
const lsnText = (page) => `[${lsns.getUint32(page * 8, true)}][${lsns.getUint32(page * 8 + 4, true)}]`;
const hue = (number) => `hsl(${(number * 137) % 360} 65% 55%)`;

function stateText(page) {
  const flags = flagsOf(page), words = [];
  if (flags & DAMAGED) words.push("damaged");
  if (flags & WARNING) words.push("warning");
  if (flags & FREE) words.push("on the free list");
  if (flags & DELETED) words.push("deleted items");
  if (flags & REMAINS) words.push("remains in unused space");
  return words.join(", ") || "nothing to say";
}

function writerText(page) {
  if (!writers || writers.kinds[page] === NONE) return "";
  const txn = writers.txns.getUint32(page * 4, true);
  return data.writers.names[writers.kinds[page]] + (txn ? `, transaction ${txn.toString(16)}` : "");
}

function colour(page) {
  const flags = flagsOf(page);
  switch ($("by").value) {
    case "fill": return flags & UNWRITTEN ? UNWRITTEN_COLOUR : `hsl(210 80% ${95 - fillOf(page) * 0.65}%)`;
    case "database": return databaseOf(page) === NONE ? COLOURS[0] : hue(databaseOf(page));
    case "state":
      if (flags & DAMAGED) return DAMAGE_COLOUR;
      if (flags & WARNING) return WARNING_COLOUR;
      return flags & DELETED ? "#f97316" : flags & REMAINS ? "#fdba74" : flags & FREE ? COLOURS[0] : "#bbf7d0";
    case "writer":
      if (writers) return writers.kinds[page] === NONE ? COLOURS[0] : hue(writers.kinds[page]);
      return lsns.getUint32(page * 8, true) ? hue(lsns.getUint32(page * 8, true)) : COLOURS[0];
    default: return flags & UNWRITTEN ? UNWRITTEN_COLOUR : COLOURS[kindOf(page)] || COLOURS[UNKNOWN];
  }
}

function legend() {
  const by = $("by").value, entries = [];
  if (by === "kind") {
    const kinds = new Set();
    let unwritten = false;
    for (let page = 0; page < count; page++) {
      if (flagsOf(page) & UNWRITTEN) unwritten = true; else kinds.add(kindOf(page));
    }
    for (const kind of [...kinds].sort((a, b) => a - b)) entries.push([COLOURS[kind] || COLOURS[UNKNOWN], data.kinds[kind] || "of unknown type"]);
    if (unwritten) entries.push([UNWRITTEN_COLOUR, "never written"]);
    entries.push([DAMAGE_COLOUR, "framed: damaged"]);
  } else if (by === "fill") {
    for (const fill of [0, 25, 50, 75, 100]) entries.push([`hsl(210 80% ${95 - fill * 0.65}%)`, `${fill} %`]);
  } else if (by === "database") {
    data.databases.slice(0, 40).forEach((name, number) => entries.push([hue(number), name]));
    entries.push([COLOURS[0], "no database"]);
  } else if (by === "state") {
    entries.push([DAMAGE_COLOUR, "damaged"], [WARNING_COLOUR, "warning"], ["#f97316", "deleted items"],
      ["#fdba74", "remains in unused space"], [COLOURS[0], "on the free list"], ["#bbf7d0", "nothing to say"]);
  } else if (writers) {
    data.writers.names.forEach((name, number) => entries.push([hue(number), name]));
    entries.push([COLOURS[0], "no record"]);
  } else {
    entries.push([COLOURS[0], "never logged"], [hue(1), "by log file; --log tells records"]);
  }
  $("legend").replaceChildren(...entries.map(([paint, text]) => {
    const item = document.createElement("li"), box = document.createElement("i");
    box.style.background = paint;
    item.append(box, text);
    return item;
  }));
}

function layout() {
  const scroll = $("scroll"), canvas = $("cells");
  const width = scroll.clientWidth, height = scroll.clientHeight;
  columns = Math.max(1, Math.floor(width / cell));
  $("spacer").style.height = "0px";
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const rows = Math.ceil(count / columns) * cell;
  $("spacer").style.height = `${Math.max(rows, height)}px`;
  $("spacer").style.position = "absolute";
  draw();
}

// Only what is seen is drawn.
function draw() {
  const canvas = $("cells"), scale = window.devicePixelRatio || 1, paint = canvas.getContext("2d");
  paint.setTransform(scale, 0, 0, scale, 0, 0);
  paint.clearRect(0, 0, canvas.width, canvas.height);
  const top = $("scroll").scrollTop, rows = Math.ceil(canvas.height / scale / cell) + 1;
  const start = Math.floor(top / cell) * columns;
  const gap = cell > 5 ? 1 : 0;
  for (let page = start; page < Math.min(count, start + rows * columns); page++) {
    const x = (page % columns) * cell, y = Math.floor(page / columns) * cell - top;
    paint.fillStyle = colour(page);
    paint.fillRect(x, y, cell - gap, cell - gap);
    if (flagsOf(page) & DAMAGED) {
      paint.strokeStyle = DAMAGE_COLOUR;
      paint.lineWidth = 2;
      paint.strokeRect(x + 1, y + 1, Math.max(1, cell - gap - 2), Math.max(1, cell - gap - 2));
    }
  }
  if (selected >= 0) {
    const x = (selected % columns) * cell, y = Math.floor(selected / columns) * cell - top;
    for (const [width, style] of [[4, "#000"], [2, "#fff"]]) {
      paint.strokeStyle = style;
      paint.lineWidth = width;
      paint.strokeRect(x - 1, y - 1, cell + 1, cell + 1);
    }
  }
}

function pageAt(event) {
  const box = $("cells").getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left) / cell);
  const row = Math.floor((event.clientY - box.top + $("scroll").scrollTop) / cell);
  const page = row * columns + column;
  return column < columns && page >= 0 && page < count ? page : -1;
}

function describe(page) {
  const writer = writerText(page);
  return `page ${page}: ${kindName(page)}, ${fillOf(page)} % full, ${databaseName(page)}; ${stateText(page)}${writer ? `; ${writer}` : ""}`;
}

function link(page) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.dataset.page = page;
  button.textContent = `page ${page}`;
  button.addEventListener("click", () => { select(page); $("title").focus(); });
  return button;
}

function reveal(page) {
  const y = Math.floor(page / columns) * cell, scroll = $("scroll");
  if (y < scroll.scrollTop) scroll.scrollTop = y;
  if (y + cell > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = y + cell - scroll.clientHeight;
}

function select(page) {
  if (page < 0 || page >= count) return;
  selected = page;
  reveal(page);
  draw();
  $("title").textContent = `Page ${page}: ${kindName(page)}`;
  $("state").textContent = describe(page);
  $("number").value = page;
  history.replaceState(null, "", `#${page}`);
  details(page);
}

function table(rows, heads) {
  const element = document.createElement("table");
  if (heads) {
    const row = element.createTHead().insertRow();
    for (const head of heads) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = head;
      row.append(cell);
    }
  }
  const body = element.createTBody();
  for (const cells of rows) {
    const row = body.insertRow();
    cells.forEach((content, index) => {
      const cell = heads || index ? row.insertCell() : row.appendChild(document.createElement("th"));
      if (!heads && !index) cell.scope = "row";
      cell.append(content);
    });
  }
  return element;
}

const KIND = { INVALID: 0, DUPLICATE: 1, HASH_UNSORTED: 2, IBTREE: 3, IRECNO: 4, LBTREE: 5, LRECNO: 6, OVERFLOW: 7, LDUP: 12, HASH: 13 };
const isMeta = (kind) => [8, 9, 10, 14].includes(kind);
const isIndexed = (kind) => [1, 2, 3, 4, 5, 6, 12, 13].includes(kind);

function headerRows(view, page) {
  const kind = kindOf(page), u32 = (at) => view.getUint32(at, little), u16 = (at) => view.getUint16(at, little);
  const rows = [["LSN", `[${u32(0)}][${u32(4)}]`], ["pgno", String(u32(8))]];
  if (isMeta(kind)) {
    rows.push(["magic", `0x${u32(12).toString(16).padStart(6, "0")}`], ["version", String(u32(16))], ["pagesize", String(u32(20))]);
    if (view.byteLength >= 36) rows.push(["free", u32(28) && u32(28) < count ? link(u32(28)) : String(u32(28))], ["last_pgno", String(u32(32))]);
    return rows;
  }
  const linked = (at) => u32(at) && u32(at) < count ? link(u32(at)) : String(u32(at));
  if (kind !== 11) {
    rows.push(["prev_pgno", linked(12)], ["next_pgno", linked(16)], ["entries", String(u16(20))], ["hf_offset", String(u16(22))]);
  }
  rows.push(["level", String(view.getUint8(24))], ["type", `${view.getUint8(25)} (${kindName(page)})`]);
  if (overhead === 32) rows.push(["checksum", `0x${u32(28).toString(16)}`]);
  return rows;
}

function text(bytes) {
  let out = "";
  for (const byte of bytes.slice(0, 200)) out += byte >= 32 && byte < 127 && byte !== 92 ? String.fromCharCode(byte) : `\\${byte.toString(16).padStart(2, "0")}`;
  return out + (bytes.length > 200 ? ` … (${bytes.length} bytes)` : "");
}

// The items of a page: offset, length, what it is, and a page that it names.
function itemsOf(view, bytes, kind) {
  const u32 = (at) => at + 4 <= size ? view.getUint32(at, little) : 0;
  const u16 = (at) => at + 2 <= size ? view.getUint16(at, little) : 0;
  const items = [], entries = Math.min(u16(20), Math.floor((size - overhead) / 2));
  let above = size;
  for (let slot = 0; slot < entries; slot++) {
    const at = u16(overhead + 2 * slot);
    const item = { slot, at, length: 0, what: "outside of the page", to: 0 };
    items.push(item);
    if (at < overhead || at + 4 > size) continue;
    const type = bytes[at + 2] & 127, deleted = bytes[at + 2] & 128 ? ", deleted" : "";
    if (kind === KIND.IRECNO) {
      Object.assign(item, { length: 8, what: `child, ${u32(at + 4)} records`, to: u32(at) });
    } else if (kind === KIND.IBTREE) {
      Object.assign(item, { length: 12 + u16(at), to: u32(at + 4), what: `child, ${type === 3 ? "overflow key" : `key ${text(bytes.subarray(at + 12, at + 12 + u16(at)))}`}` });
    } else if (kind === KIND.HASH || kind === KIND.HASH_UNSORTED) {
      const form = bytes[at];
      item.length = Math.max(0, above - at);
      above = at;
      if (form === 1) item.what = text(bytes.subarray(at + 1, at + item.length));
      else if (form === 3) Object.assign(item, { what: `overflow, ${u32(at + 8)} bytes`, to: u32(at + 4) });
      else if (form === 4) Object.assign(item, { what: "duplicates", to: u32(at + 4) });
      else item.what = form === 2 ? `duplicates ${text(bytes.subarray(at + 1, at + item.length))}` : `of unknown form ${form}`;
    } else if (type === 1) {
      Object.assign(item, { length: 3 + u16(at), what: text(bytes.subarray(at + 3, at + 3 + u16(at))) + deleted });
    } else if (type === 2 || type === 3) {
      Object.assign(item, { length: 12, what: (type === 3 ? `overflow, ${u32(at + 8)} bytes` : "duplicates") + deleted, to: u32(at + 4) });
    } else {
      item.what = `of unknown type ${type}`;
    }
  }
  return items;
}

function hexDump(bytes, items, kind) {
  const paint = new Array(bytes.length).fill("");
  const fill = (from, to, name) => { for (let at = from; at < Math.min(to, paint.length); at++) paint[at] = name; };
  if (isMeta(kind)) {
    fill(0, Math.min(512, size), "hex-header");
  } else {
    fill(0, overhead, "hex-header");
    if (kind === KIND.OVERFLOW) fill(overhead, overhead + new DataView(bytes.buffer, bytes.byteOffset).getUint16(22, little), "hex-data");
    if (isIndexed(kind)) {
      fill(overhead, overhead + 2 * items.length, "hex-index");
      items.forEach((item) => fill(item.at, item.at + item.length, item.slot % 2 ? "hex-item odd" : "hex-item"));
    }
  }
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", "Bytes of the page in hexadecimal digits");
  const zero = (row) => bytes.subarray(row, row + 16).every((byte) => byte === 0);
  for (let row = 0; row < bytes.length; row += 16) {
    if (row && zero(row) && zero(row - 16)) {
      if (row < 32 || !zero(row - 32)) pre.append("*\n");
      continue;
    }
    pre.append(`${row.toString(16).padStart(4, "0")}  `);
    let span = null, chars = "";
    for (let at = row; at < Math.min(row + 16, bytes.length); at++) {
      if (!span || span.className !== paint[at]) {
        span = document.createElement("span");
        span.className = paint[at];
        pre.append(span);
      }
      span.append(`${bytes[at].toString(16).padStart(2, "0")} `);
      chars += bytes[at] >= 32 && bytes[at] < 127 ? String.fromCharCode(bytes[at]) : ".";
    }
    pre.append(` ${chars}\n`);
  }
  return pre;
}

function details(page) {
  const body = $("body"), place = rawPlace.get(page), kind = kindOf(page);
  const heading = (name) => { const h = document.createElement("h3"); h.textContent = name; return h; };
  body.replaceChildren();
  const here = data.findings.filter((finding) => finding.page === page);
  if (here.length) {
    body.append(heading("Findings"), table(here.map((finding) => [finding.rule, `byte ${finding.offset}: ${finding.text}`])));
  }
  const writer = writerText(page);
  if (writer) body.append(heading("Last writer"), table([[lsnText(page), writer]]));
  const bytes = place === undefined ? null : raw.subarray(place * size, (place + 1) * size);
  const start = page * data.header_length;
  const head = bytes || (start < headers.length ? headers.subarray(start, start + data.header_length) : null);
  if (flagsOf(page) & UNWRITTEN) return;
  if (!head || data.old) {
    if (!bytes) body.append("The bytes of this page are not in this picture: see bdbkit info and bdbkit dump -d.");
    if (!bytes || !data.old) return;
  } else {
    body.append(heading("Header"), table(headerRows(new DataView(head.buffer, head.byteOffset, head.byteLength), page)));
  }
  if (!bytes) {
    body.append("Its other bytes are not in this picture.");
    return;
  }
  const items = !data.old && isIndexed(kind) ? itemsOf(new DataView(bytes.buffer, bytes.byteOffset, size), bytes, kind) : [];
  if (items.length) {
    const rows = items.map((item) => [String(item.slot), String(item.at), item.what, item.to && item.to < count ? link(item.to) : ""]);
    body.append(heading("Items"), table(rows, ["Slot", "Offset", "Item", "Leads to"]));
  }
  body.append(heading("Bytes"), hexDump(bytes, items, kind));
}

function findings() {
  $("findings-title").textContent = data.findings.length ? `${data.findings.length} findings` : "No findings";
  $("next-finding").disabled = !data.findings.length;
  $("findings-list").append(...data.findings.map((finding) => {
    const item = document.createElement("li"), words = document.createElement("span");
    words.className = finding.severity === "error" ? "error" : "";
    words.textContent = ` ${finding.severity}: ${finding.rule}: byte ${finding.offset}: ${finding.text}`;
    item.append(link(finding.page), words);
    return item;
  }));
}

function nextFinding() {
  const pages = data.findings.map((finding) => finding.page).filter((page) => page < count);
  if (pages.length) select(pages.find((page) => page > selected) ?? pages[0]);
}

const ROWS = 200;
function rows() {
  const last = Math.min(count, first + ROWS), lines = [];
  for (let page = first; page < last; page++) {
    lines.push([link(page), kindName(page), `${fillOf(page)} %`, databaseName(page), stateText(page), lsnText(page), writerText(page)]);
  }
  $("rows").replaceChildren(...table(lines, []).tBodies[0].rows);
  $("range").textContent = `${first} to ${last - 1} of ${count}`;
  $("before").disabled = first === 0;
  $("behind").disabled = last === count;
}

function zoom(by) {
  cell = Math.min(48, Math.max(2, cell + by));
  layout();
  if (selected >= 0) reveal(selected);
  draw();
}

function key(event) {
  const page = Math.max(1, Math.floor($("scroll").clientHeight / cell) - 1) * columns;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page, PageDown: page };
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in steps) select(selected < 0 ? 0 : Math.min(count - 1, Math.max(0, selected + steps[event.key])));
  else if (event.key === "Home") select(0);
  else if (event.key === "End") select(count - 1);
  else if (event.key === "Enter") { if (selected < 0) select(0); $("title").focus(); }
  else if (event.key === "+") zoom(2);
  else if (event.key === "-") zoom(-2);
  else if (event.key === "n") nextFinding();
  else return;
  event.preventDefault();
}

document.title = `${data.file}: pages`;
$("name").textContent = data.file;
$("summary").textContent = data.summary;
$("by").addEventListener("change", () => { legend(); draw(); });
$("smaller").addEventListener("click", () => zoom(-2));
$("larger").addEventListener("click", () => zoom(2));
$("next-finding").addEventListener("click", nextFinding);
$("go").addEventListener("submit", (event) => { event.preventDefault(); select(Number.parseInt($("number").value, 10)); });
$("scroll").addEventListener("scroll", draw);
$("cells").addEventListener("keydown", key);
$("cells").addEventListener("click", (event) => select(pageAt(event)));
$("cells").addEventListener("wheel", (event) => { if (event.ctrlKey) { event.preventDefault(); zoom(event.deltaY < 0 ? 2 : -2); } }, { passive: false });
$("cells").addEventListener("mousemove", (event) => { const page = pageAt(event); $("hover").textContent = page < 0 ? "" : describe(page); });
$("cells").addEventListener("mouseleave", () => { $("hover").textContent = ""; });
$("before").addEventListener("click", () => { first = Math.max(0, first - ROWS); rows(); });
$("behind").addEventListener("click", () => { first = Math.min(Math.max(0, count - 1), first + ROWS); rows(); });
$("table").addEventListener("toggle", () => { if ($("table").open && !$("rows").childElementCount) rows(); });
addEventListener("resize", layout);
legend();
findings();
layout();
if (/^#\d+$/.test(location.hash)) select(Number(location.hash.slice(1)));
