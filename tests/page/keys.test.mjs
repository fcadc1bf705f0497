// Real keys in a browser that has a bar of its own: who gets them, the page or the browser. Chromium is opened on a screen that nobody
// sees (Xvfb), and xdotool presses the keys as a keyboard does; what a test makes up inside of a page would never reach the browser.
//
// Where Xvfb or xdotool is not installed nothing is tested, and the report says so.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { launch, open, says, serve, shot } from './browser.mjs';

const lacks = ['Xvfb', 'xdotool'].filter((program) => spawnSync(program, ['-help'], { stdio: 'ignore' }).error);
const skip = lacks.length > 0 && `NOT TESTED: ${lacks.join(' and ')} cannot be had here`;

let server;
let screen;
let display;
let browser;
before(async () => {
  if (skip) return;
  server = await serve();
  screen = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1300x900x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const number = await new Promise((resolve, reject) => {
    screen.stdout.once('data', (data) => resolve(`${data}`.trim()));
    screen.once('error', reject);
  });
  display = `:${number}`;
  browser = await launch({ headless: false, env: { ...process.env, DISPLAY: display }, more: ['--window-size=1300,900', '--window-position=0,0'] });
});
after(async () => {
  await browser?.close();
  screen?.kill();
  await server?.close();
});

const xdotool = (...words) => execFileSync('xdotool', words, { env: { ...process.env, DISPLAY: display }, encoding: 'utf8' }).trim();

/** A page in a window that has the keyboard. */
async function with_window(hash, work) {
  // The size of the window is that of the screen: the browser's own bar is seen.
  const context = await browser.newContext({ viewport: null });
  try {
    const page = await open(context, server.url, { hash });
    // No window manager gives the keyboard to a window.
    const windows = xdotool('search', '--onlyvisible', '--name', 'gairat').split('\n');
    xdotool('windowfocus', '--sync', windows.at(-1));
    await says(page, /training|paused/);
    await page.waitForFunction(() => document.hasFocus() && document.activeElement?.id === 'gairat', null, { timeout: 10000 });
    await work(page, context);
  } finally {
    await context.close();
  }
}

async function press(page, ...keys) {
  for (const key of keys) {
    xdotool('key', key);
    await page.waitForTimeout(300);
  }
}

/** What is typed into the list of commands, or nothing where it is not open. */
const typed = (page) => page.evaluate(() => {
  const field = document.querySelector('#mirror [role="textbox"][aria-label="Command"]');
  return field ? field.getAttribute('aria-valuetext') ?? '' : null;
});

describe('keys in a browser with a bar', { skip }, () => {
  test('Ctrl+K opens the list of commands, and what is typed goes into it and not into the bar', () => with_window('#v=1', async (page) => {
    await press(page, 'ctrl+k');
    xdotool('type', '--delay', '60', 'lambda');
    await page.waitForFunction(() => document.querySelector('#mirror [role="textbox"][aria-label="Command"]')?.getAttribute('aria-valuetext') === 'lambda', null, { timeout: 8000 })
      .catch(async () => assert.equal(await typed(page), 'lambda'));
    assert.ok(await page.evaluate(() => document.hasFocus()), 'the page still has the keyboard');
    await shot(page, 'keys-palette');
  }));

  test('Ctrl+L copies the link, and the bar does not get the keyboard', () => with_window('#v=1', async (page) => {
    await press(page, 'ctrl+l');
    await page.waitForFunction(() => /Copied: http/.test(document.getElementById('mirror').textContent), null, { timeout: 8000 });
    assert.ok(await page.evaluate(() => document.hasFocus()));
    // A key after it is a key of the page.
    await press(page, 'space');
    await says(page, /paused/);
  }));

  test('Ctrl+S, Ctrl+O and the plain keys are the page\'s alone', () => with_window('#v=1', async (page) => {
    await press(page, 'space');
    await says(page, /paused/);
    await press(page, 'Down');
    await says(page, /Sample \d+ is selected/);
    await press(page, 'ctrl+o');
    await page.locator('#mirror [aria-label="Upload…"]').first().waitFor({ state: 'attached', timeout: 8000 });
    await press(page, 'Escape', 'ctrl+s');
    assert.ok(await page.evaluate(() => document.hasFocus()), 'no dialog of the browser has opened');
  }));

  test('Ctrl+plus, Ctrl+minus and Ctrl+0 are the browser\'s: it makes the page larger and smaller', () => with_window('#v=1', async (page) => {
    const ratio = () => page.evaluate(() => devicePixelRatio);
    const before = await ratio();
    await press(page, 'ctrl+plus', 'ctrl+plus');
    await page.waitForFunction((before) => devicePixelRatio > before * 1.15, before, { timeout: 8000 });
    await press(page, 'ctrl+minus');
    await press(page, 'ctrl+0');
    await page.waitForFunction((before) => devicePixelRatio === before, before, { timeout: 8000 });
  }));

  test('Ctrl+T is the browser\'s: it opens a tab', () => with_window('#v=1', async (page, context) => {
    const opened = new Promise((resolve) => { browser.on('context', resolve); context.on('page', resolve); });
    xdotool('key', 'ctrl+t');
    await Promise.race([
      opened,
      page.waitForFunction(() => document.visibilityState === 'hidden' || !document.hasFocus(), null, { timeout: 8000, polling: 100 }),
    ]);
  }));

  test('F5 is the browser\'s: it loads the page again', () => with_window('#v=1', async (page) => {
    const begun = await page.evaluate(() => performance.timeOrigin);
    await Promise.all([page.waitForEvent('load', { timeout: 15000 }), press(page, 'F5')]);
    assert.ok(await page.evaluate(() => performance.timeOrigin) > begun);
  }));

  test('F12 is the browser\'s: its tools take room from the page', () => with_window('#v=1', async (page) => {
    const room = () => page.evaluate(() => innerWidth * innerHeight);
    const before = await room();
    await press(page, 'F12');
    await page.waitForFunction((before) => innerWidth * innerHeight < 0.9 * before || !document.hasFocus(), before, { timeout: 15000, polling: 200 });
  }));
});
