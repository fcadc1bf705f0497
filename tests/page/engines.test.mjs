// The page in the engines of Firefox and of Safari, as far as Debian's firefox-esr and webkit2gtk-driver go: that it comes up, trains,
// hears keys, keeps its run and offers it again. What a page can do beyond that is tested in Chromium: page.test.mjs.
//
// A browser that is not installed is skipped, and the report says so.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { serve, shots } from './browser.mjs';

const firefox = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const driver = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver';
const miniBrowser = process.env.MINI_BROWSER ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
const unless = (...files) => files.filter((file) => !fs.existsSync(file)).map((file) => `${file} is not installed`).join(', ') || false;

let server;
let screen;
before(async () => {
  server = await serve();
  // A screen that nobody sees: without one neither has WebGL.
  screen = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1400x1000x24'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const number = await new Promise((resolve, reject) => {
    screen.stdout.once('data', (data) => resolve(`${data}`.trim()));
    screen.once('error', reject);
  });
  process.env.DISPLAY = `:${number}`;
});
after(async () => {
  screen?.kill();
  await server?.close();
});

/** What must hold in every engine. `evaluate` runs an expression there, `key` presses a key, `reload` loads the page again. */
async function holds(t, { evaluate, key, reload }) {
  const until = async (expression, what, seconds = 90) => {
    for (const end = Date.now() + 1000 * seconds; ;) {
      const found = await evaluate(expression);
      if (found) return found;
      assert.ok(Date.now() < end, `${what}: ${await evaluate('`${document.getElementById("summary").textContent} ${document.getElementById("told").textContent}`')}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };
  const says = (pattern) => until(`(${pattern}).test(document.getElementById("summary").textContent)`, `it says ${pattern}`);
  await says(/training, epoch [2-9]/);
  t.diagnostic(await evaluate('performance.getEntriesByType("mark").map((mark) => `${mark.name} ${Math.round(mark.startTime)} ms`).join(", ")'));
  await until('getComputedStyle(document.getElementById("before")).display === "none"', 'the recording goes');
  await until('document.querySelectorAll("#mirror button").length > 10', 'what is drawn is said');
  await key(' ');
  await says(/paused/);
  await key(' ');
  await says(/training/);
  await reload();
  await until('/was open when this page was closed/.test(document.getElementById("mirror").textContent)', 'the run is offered again');
}

describe('other engines', () => {
  test('Firefox', { skip: unless(firefox), timeout: 240000 }, async (t) => {
    const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefox, headless: false, extraPrefsFirefox: { 'webgl.force-enabled': true } });
    try {
      const page = await browser.newPage();
      const faults = [];
      page.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
      page.on('pageerror', (error) => faults.push(String(error)));
      await page.setViewport({ width: 1280, height: 800 });
      await page.goto(server.url);
      await holds(t, { evaluate: (expression) => page.evaluate(expression), key: (key) => page.keyboard.press(key), reload: () => page.reload() });
      if (shots) await page.screenshot({ path: path.join(shots, 'firefox.png') });
      assert.deepEqual(faults, []);
    } finally {
      await browser.close();
    }
  });

  test('WebKit', { skip: unless(driver, miniBrowser), timeout: 240000 }, async (t) => {
    const port = 20000 + (process.pid % 20000);
    const service = spawn(driver, [`--port=${port}`], { stdio: 'ignore', env: { ...process.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' } });
    const call = async (method, at, body) => {
      const answer = await fetch(`http://127.0.0.1:${port}/session${at}`, { method, body: body && JSON.stringify(body) });
      const { value } = await answer.json();
      assert.ok(!value?.error, JSON.stringify(value));
      return value;
    };
    try {
      let session;
      for (let tries = 0; !session; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        session = await call('POST', '', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary: miniBrowser, args: ['--automation'] } } } })
          .catch((error) => { if (tries >= 20 || error instanceof assert.AssertionError) throw error; });
      }
      const at = `/${session.sessionId}`;
      await call('POST', `${at}/url`, { url: server.url });
      const evaluate = (expression) => call('POST', `${at}/execute/sync`, { script: `return ${expression};`, args: [] });
      const key = (value) => call('POST', `${at}/actions`, { actions: [{ type: 'key', id: 'keys', actions: [{ type: 'keyDown', value }, { type: 'keyUp', value }] }] });
      await holds(t, { evaluate, key, reload: () => call('POST', `${at}/refresh`, {}) });
      if (shots) fs.writeFileSync(path.join(shots, 'webkit.png'), Buffer.from(await call('GET', `${at}/screenshot`), 'base64'));
      await call('DELETE', at);
    } finally {
      service.kill();
    }
  });
});
