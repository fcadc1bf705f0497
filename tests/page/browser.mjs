// Chromium and the page in it: what all tests begin with.
import { chromium } from 'playwright-core';
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const dist = path.resolve(here, '../../web/dist');
export const shots = process.env.GAIRAT_SHOTS ?? '';

// Without a GPU a canvas is presented, and WebGPU computes, by SwiftShader with these.
const software = ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-vulkan=swiftshader', '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
const quiet = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run'];

const kinds = { html: 'text/html', js: 'text/javascript', css: 'text/css', wasm: 'application/wasm', svg: 'image/svg+xml', png: 'image/png', webmanifest: 'application/manifest+json' };

/** A plain file server: no header but the type, and the page in a folder of its own if asked for. */
export function serve(folder = dist, under = '/') {
  const server = http.createServer((request, response) => {
    const asked = new URL(request.url, 'http://x').pathname;
    const name = asked.startsWith(under) ? asked.slice(under.length) || 'index.html' : '../';
    const file = path.join(folder, path.normalize(name));
    if (!file.startsWith(folder) || !fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.statusCode = 404;
      return response.end();
    }
    response.setHeader('Content-Type', kinds[file.split('.').pop()] ?? 'application/octet-stream');
    fs.createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({
    url: `http://localhost:${server.address().port}${under}`,
    // Open connections are closed with it: the network is off then.
    close: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }),
  })));
}

export async function launch({ webgpu = true, more = [], headless = true, env } = {}) {
  const args = [...quiet, ...more, ...(webgpu ? software : ['--disable-features=WebGPU', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'])];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless, env, args });
}

/** Opens the page and waits until it lives. Everything that no page may do is gathered in `faults`. */
export async function open(context, url, { hash = '', wait = true, prepare } = {}) {
  const page = await context.newPage();
  page.faults = [];
  page.on('console', (message) => { if (message.type() === 'error') page.faults.push(message.text()); });
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('request', (request) => { if (!request.url().startsWith('blob:') && new URL(request.url()).origin !== new URL(url).origin) page.faults.push(`asks for ${request.url()}`); });
  // Tasks of the page's own thread that keep it from answering.
  await page.addInitScript(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => longTasks.push([entry.startTime, entry.duration]))).observe({ type: 'longtask', buffered: true });
  });
  if (prepare) await prepare(page);
  await page.goto(url + hash);
  if (wait) await alive(page);
  return page;
}

/** Until the program has taken over from the recording. */
export async function alive(page, timeout = 60000) {
  await page.waitForFunction(() => performance.getEntriesByName('live').length > 0, null, { timeout });
}

/** What a screen reader is told. */
export const summary = (page) => page.locator('#summary').textContent();

/** Waits until the summary says something. */
export async function says(page, pattern, timeout = 60000) {
  const found = await page.waitForFunction(([source, flags]) => {
    const text = document.getElementById('summary').textContent;
    return new RegExp(source, flags).test(text) && text;
  }, [pattern.source, pattern.flags], { timeout });
  return found.jsonValue();
}

/** Presses what is drawn at the place of that name: a real click on the canvas. */
export async function press(page, name, { exact = true, timeout = 20000 } = {}) {
  const found = page.locator(`#mirror [aria-label${exact ? '' : '*'}="${name}"]`).last();
  await found.waitFor({ state: 'attached', timeout });
  await page.waitForTimeout(450); // the mirror follows within 0.4 s
  const box = await found.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.up();
}

export async function shot(page, name) {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`) });
}
