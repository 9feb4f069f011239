// Fills web/vendor/ from node_modules and copies the pages to server/pages/. Run by `make web`
// after `npm ci`, which has already refused any package whose hash is not in the lockfile.

import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const WEB = dirname(fileURLToPath(import.meta.url));
const VENDOR = join(WEB, "vendor");
const PAGES = join(WEB, "..", "server", "pages");
const MODULES = join(WEB, "node_modules");
const BUDGET_BYTES = 200 * 1024;

/** What is taken from each package: file in the package -> file in web/vendor/. */
const TAKEN = {
  htm: {
    "preact/standalone.module.js": "htm-preact.js",
    "preact/index.d.ts": "htm-preact.d.ts", // for `npm run types`; not published
    LICENSE: "licenses/htm.txt",
  },
  preact: { LICENSE: "licenses/preact.txt" }, // its code is inside htm's standalone module
  katex: {
    "dist/katex.min.js": "katex/katex.min.js",
    "dist/katex.min.css": "katex/katex.min.css",
    LICENSE: "licenses/katex.txt",
  },
  "@fontsource-variable/atkinson-hyperlegible-next": {
    "files/atkinson-hyperlegible-next-latin-wght-normal.woff2": "fonts/atkinson-latin.woff2",
    "files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2": "fonts/atkinson-latin-ext.woff2",
    LICENSE: "licenses/atkinson-hyperlegible-next.txt",
  },
  "qrcode-generator": { "dist/qrcode.mjs": "qrcode.js" },
};
/** Licence texts of packages that name their licence in the code and carry no file of it. */
const NOTICES = { "qrcode-generator": "qrcode-generator.txt" };
/** For `npm run types`, as the package's own declaration is of its older form; not published. */
const QR_TYPES = `interface QrCode {
  addData(data: string, mode?: "Numeric" | "Alphanumeric" | "Byte" | "Kanji"): void;
  make(): void;
  getModuleCount(): number;
  isDark(row: number, column: number): boolean;
}
export default function qrcode(typeNumber: number, errorCorrectionLevel: "L" | "M" | "Q" | "H"): QrCode;
`;

await rm(VENDOR, { recursive: true, force: true });
const katexFonts = (await readdir(join(MODULES, "katex/dist/fonts"))).filter((name) => name.endsWith(".woff2"));
for (const name of katexFonts) TAKEN.katex[`dist/fonts/${name}`] = `katex/fonts/${name}`;

const record = [];
for (const [name, files] of Object.entries(TAKEN)) record.push(...(await taken(name, files)));
for (const [name, file] of Object.entries(NOTICES)) record.push(await noticed(name, file));
await writeFile(join(VENDOR, "qrcode.d.ts"), QR_TYPES);
await onlyWoff2(join(VENDOR, "katex/katex.min.css"), "katex/katex.min.css");
const shipped = record.filter(({ file }) => !file.endsWith(".d.ts"));
await writeFile(join(VENDOR, "vendor.json"), `${JSON.stringify(shipped, null, 1)}\n`);
const gzipped = await withinBudget();
await published();
console.log(`web: ${shipped.length} vendored files, ${(gzipped / 1024).toFixed(0)} kB of script and style gzipped`);

async function taken(name, files) {
  const { version, license } = JSON.parse(await readFile(join(MODULES, name, "package.json"), "utf8"));
  return Promise.all(
    Object.entries(files).map(async ([from, to]) => {
      const bytes = await readFile(join(MODULES, name, from));
      await mkdir(dirname(join(VENDOR, to)), { recursive: true });
      await writeFile(join(VENDOR, to), bytes);
      return { name, version, license, file: to, sha256: sha256(bytes) };
    }),
  );
}

async function noticed(name, file) {
  const { version, license } = JSON.parse(await readFile(join(MODULES, name, "package.json"), "utf8"));
  const bytes = await readFile(join(WEB, "notices", file));
  await writeFile(join(VENDOR, "licenses", file), bytes);
  return { name, version, license, file: `licenses/${file}`, sha256: sha256(bytes) };
}

/** Every browser of today reads woff2; the other formats are not shipped, so not named either. */
async function onlyWoff2(path, file) {
  const css = await readFile(path, "utf8");
  const kept = css.replace(/,url\([^)]*\.(woff|ttf)\) format\("(woff|truetype)"\)/g, "");
  if (/\.(woff|ttf)\)/.test(kept)) throw new Error("KaTeX's style sheet names fonts in a form not known here");
  await writeFile(path, kept);
  record.find((entry) => entry.file === file).sha256 = sha256(Buffer.from(kept));
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

async function withinBudget() {
  let sum = 0;
  for (const { file } of record) {
    if (/\.(js|css)$/.test(file)) sum += gzipSync(await readFile(join(VENDOR, file))).length;
  }
  if (sum > BUDGET_BYTES) throw new Error(`vendored script and style: ${sum} bytes gzipped, ${BUDGET_BYTES} allowed`);
  return sum;
}

async function published() {
  await rm(PAGES, { recursive: true, force: true });
  for (const folder of ["client", "learner", "shared", "teacher", "vendor"]) {
    await cp(join(WEB, folder), join(PAGES, folder), {
      recursive: true,
      filter: (path) => !relative(WEB, path).split(sep).includes("test") && !path.endsWith(".d.ts"),
    });
  }
}
