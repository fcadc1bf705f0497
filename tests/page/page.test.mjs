// The page, as a person uses it: in Chromium, by clicks on the canvas, checked by what is said beside it and by the files it keeps.
//
//   node --test --test-concurrency=1
//
// web/dist must have been built, and `gairat` too: the page's runs are compared with its (GAIRAT, or target/release/gairat).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { alive, dist, launch, open, press, says, serve, shot, summary } from './browser.mjs';

const gairat = process.env.GAIRAT ?? path.resolve(dist, '../../target/release/gairat');
const desk = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' };
let server;
let browser;

before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A page of its own, with nothing kept from others; closed and searched for faults at the end. */
async function with_page(options, work) {
  const { browser: other, context: wanted, ...rest } = options;
  const context = await (other ?? browser).newContext({ ...desk, ...wanted });
  try {
    const page = await open(context, rest.url ?? server.url, rest);
    const outcome = await work(page, context);
    assert.deepEqual(page.faults, [], 'nothing is said on the console, and nobody else is asked');
    return outcome;
  } finally {
    await context.close();
  }
}

/** A file that the page keeps, the newest whose path ends so. */
const kept = (page, end) => page.evaluate((end) => new Promise((resolve, reject) => {
  const asked = indexedDB.open('gairat');
  asked.onerror = () => reject(asked.error);
  asked.onsuccess = () => {
    const store = asked.result.transaction('files').objectStore('files');
    const keys = store.getAllKeys();
    keys.onsuccess = () => {
      const key = keys.result.filter((key) => key.endsWith(end)).sort().pop();
      if (!key) { asked.result.close(); return resolve(null); }
      const got = store.get(key);
      got.onsuccess = () => { asked.result.close(); resolve(new TextDecoder().decode(got.result)); };
    };
  };
}), end);

/** Waits for a file that the page keeps. */
async function keeps(page, end, timeout = 120000) {
  const until = Date.now() + timeout;
  for (;;) {
    const text = await kept(page, end);
    if (text) return text;
    assert.ok(Date.now() < until, `the page keeps no ${end} after ${timeout / 1000} s: ${await summary(page)}`);
    await page.waitForTimeout(300);
  }
}

/** The paths of all files that the page keeps. */
const names = (page) => page.evaluate(() => new Promise((resolve, reject) => {
  const asked = indexedDB.open('gairat');
  asked.onerror = () => reject(asked.error);
  asked.onsuccess = () => {
    const keys = asked.result.transaction('files').objectStore('files').getAllKeys();
    keys.onsuccess = () => { asked.result.close(); resolve(keys.result); };
  };
}));

/** The folders of the runs that the page keeps. */
const folders = async (page) => [...new Set((await names(page)).filter((name) => name.startsWith('runs/')).map((name) => name.split('/')[1]))];

/** Closes what is open, and waits until it is. */
async function leave(page) {
  await page.keyboard.press('Escape');
  await page.waitForTimeout(600);
}

/** What is drawn, in words. */
const drawn = (page) => page.evaluate(() => document.getElementById('mirror').textContent);

/** Presses a button until the browser does what it is for: a press that meets a page between two runs is lost. */
async function pressed(page, name, event) {
  for (let times = 0; times < 3; times += 1) {
    const asked = page.waitForEvent(event, { timeout: 10000 }).catch(() => null);
    await press(page, name);
    const happened = await asked;
    if (happened) return happened;
    console.log(`${name} was pressed, and there was no ${event}: once more`);
  }
  return assert.fail(`${name}: no ${event}, but ${await drawn(page)}`);
}

/** Chooses files in the dialog of the page. */
async function upload(page, files) {
  await leave(page);
  await page.keyboard.press('Control+o');
  await (await pressed(page, 'Upload…', 'filechooser')).setFiles(files);
}

/** Writes IDX files of labels and of square images, whose pixels `pixel` gives by sample and place. */
function idx(name, side, labels, pixel) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gairat-page-'));
  const head = (...sizes) => Buffer.concat([Buffer.from([0, 0, 8, sizes.length]), ...sizes.map((size) => { const b = Buffer.alloc(4); b.writeUInt32BE(size); return b; })]);
  const pixels = Buffer.alloc(labels.length * side * side);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = pixel(Math.floor(at / (side * side)), at % (side * side));
  const files = [path.join(folder, `${name}-images`), path.join(folder, `${name}-labels`)];
  fs.writeFileSync(files[0], Buffer.concat([head(labels.length, side, side), pixels]));
  fs.writeFileSync(files[1], Buffer.concat([head(labels.length), Buffer.from(labels)]));
  return { files, gone: () => fs.rmSync(folder, { recursive: true }) };
}

/** Waits until the newest run has these settings: a run before goes on saying that it trains until then. */
async function begun(page, wanted) {
  const until = Date.now() + 60000;
  for (;;) {
    const settings = JSON.parse(await keeps(page, 'settings.json'));
    if (Object.entries(wanted).every(([name, value]) => settings[name] === value)) return;
    assert.ok(Date.now() < until, await summary(page));
    await page.waitForTimeout(300);
  }
}

/** A run of the terminal program with these settings: its files by name. */
function native(settings) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gairat-page-'));
  const run = path.join(folder, 'run');
  execFileSync(gairat, ['train', '--out', run, '--device', 'cpu', ...settings], { stdio: ['ignore', 'ignore', 'inherit'] });
  const files = Object.fromEntries(['samples.csv', 'summary.json', 'resume.safetensors'].map((name) => [name, fs.readFileSync(path.join(run, name), 'utf8')]));
  fs.rmSync(folder, { recursive: true });
  return files;
}

/** Changes what the worker finds before the program starts there. */
const tampered = (code) => ({ context: { serviceWorkers: 'block' }, prepare: (page) => page.route('**/worker.js', async (route) => {
  const answer = await route.fetch();
  await route.fulfill({ response: answer, body: `${code}\n${await answer.text()}` });
}) });

const kappas = (csv) => csv.trim().split('\n').slice(1).map((line) => line.split(',')).map(([index, , kappa]) => [index, kappa]);
const now = (page) => page.evaluate(() => performance.now());
const tasks = (page, since) => page.evaluate((since) => Math.max(0, ...longTasks.filter(([start]) => start > since).map(([, duration]) => duration)), since);

/** A busy machine is late and never early: what holds in one of three windows of time holds. */
async function in_one_window(page, measure, holds) {
  for (let window = 1; ; window += 1) {
    const measured = await measure(await now(page));
    if (window === 3 || holds(measured)) return measured;
  }
}
/** As fast as it goes. What is pressed twice within one frame counts once. */
const faster = async (page) => {
  for (let times = 0; times < 6; times += 1) {
    await page.keyboard.press(']');
    await page.waitForTimeout(150);
  }
};

describe('arriving', () => {
  test('there is a picture within a second and the program within six', async (t) => {
    await with_page({}, async (page) => {
      const marks = await page.evaluate(() => Object.fromEntries(performance.getEntriesByType('mark').map((mark) => [mark.name, mark.startTime])));
      t.diagnostic(`first picture ${marks['first-picture'].toFixed(0)} ms, live ${marks.live.toFixed(0)} ms`);
      assert.ok(marks['first-picture'] <= 1000, `${marks['first-picture']} ms`);
      assert.ok(marks.live <= 6000, `${marks.live} ms`);
      await shot(page, 'live');
    });
  });

  test('the recording has gone when the program is there, and what one sees is said beside it', async () => {
    await with_page({}, async (page) => {
      await says(page, /training.*CPU/);
      await page.waitForFunction(() => getComputedStyle(document.getElementById('before')).display === 'none');
      for (const name of ['Play or pause', 'One batch', 'All commands…', 'Twin run']) {
        await page.locator(`#mirror [aria-label="${name}"]`).first().waitFor({ state: 'attached' });
      }
      const unnamed = await page.evaluate(() => [...document.querySelectorAll('#mirror button, #mirror div')].filter((part) => !part.getAttribute('aria-label')).length);
      assert.equal(unnamed, 0, 'all that can be pressed has a name');
    });
  });

  test('it works from a folder of a server', async () => {
    const folder = await serve(dist, '/course/week-3/');
    await with_page({ url: folder.url }, (page) => says(page, /training/));
    await folder.close();
  });

  test('the page sets a policy that lets nothing in', async () => {
    const html = fs.readFileSync(path.join(dist, 'index.html'), 'utf8');
    const policy = html.match(/Content-Security-Policy" content="([^"]*)"/)[1];
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe-inline|(?<!wasm-)unsafe-eval|https?:|\*/);
  });
});

describe('the same runs as elsewhere', () => {
  const settings = { points: 512, validation: 0, batch: 512, epochs: 1, burn_in: 0, evaluate_every: 1 };
  const hash = `#v=1&${Object.entries(settings).map(([name, value]) => `${name}=${value}`).join('&')}`;
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name.replace('_', '-')}`, `${value}`]);

  for (const [device, share] of [['cpu', 1], ['software', 0.995]]) {
    test(`kappa of the first batch on ${device} is that of the terminal`, async (t) => {
      const here = kappas(await with_page({ hash: `${hash}&device=${device}` }, async (page) => {
        await says(page, /finished/, 120000);
        return keeps(page, 'samples.csv');
      }));
      const there = kappas(native(flags)['samples.csv']);
      assert.equal(here.length, there.length);
      const equal = here.filter(([index, kappa], place) => index === there[place][0] && kappa === there[place][1]).length / here.length;
      t.diagnostic(`${(100 * equal).toFixed(2)} % of ${here.length} are equal`);
      assert.ok(equal >= share, `${equal}`);
    });
  }

  test('a convolutional network goes through the executor on a software adapter, and its kappa is that of the terminal', async (t) => {
    const two = Array.from({ length: 48 }, (_, place) => place % 2);
    let state = 7;
    const random = () => { state = (state * 1103515245 + 12345) % 2147483648; return state / 2147483648; };
    const { files, gone } = idx('small', 28, two, (sample, place) => Math.floor(120 * random()) + ((place < 392) === (two[sample] === 0) ? 60 : 0));
    const wanted = { model: 'small-cnn-28', batch: 16, steps: 3, epochs: 1, burn_in: 0, validation: 0, test: 16, epsilon: 0.05, step_size: 0.02, evaluate_every: 1 };
    const gpu = path.join(path.dirname(files[0]), 'gpu.json');
    fs.writeFileSync(gpu, JSON.stringify({ ...wanted, data: 'idx:uploads/small-images,uploads/small-labels', device: 'software' }));
    const there = kappas(native(['--data', `idx:${files.join(',')}`, ...Object.entries(wanted).flatMap(([name, value]) => [`--${name.replace('_', '-')}`, `${value}`])])['samples.csv']);
    const here = kappas(await with_page({}, async (page) => {
      await says(page, /training/);
      await upload(page, files);
      await begun(page, { data: 'idx:uploads/small-images,uploads/small-labels' });
      await upload(page, [gpu]);
      await begun(page, { device: 'software' });
      await says(page, /software adapter/, 60000);
      assert.match(await drawn(page), /software adapter · webgpu · fused attack/);
      await says(page, /finished/, 240000);
      return keeps(page, 'samples.csv');
    }));
    gone();
    assert.equal(here.length, there.length);
    const equal = here.filter(([index, kappa], place) => index === there[place][0] && kappa === there[place][1]).length / here.length;
    t.diagnostic(`${(100 * equal).toFixed(2)} % of ${here.length} are equal`);
    assert.ok(new Set(there.map(([, kappa]) => kappa)).size > 1, 'the attack breaks some');
    assert.ok(equal >= 0.9, `${equal}`);
  });

  test('the first run comes to the same accuracies', async (t) => {
    // What a page shows that is asked for nothing.
    const there = JSON.parse(native(['--data', 'three-blobs', '--burn-in', '7'])['summary.json']);
    await with_page({}, async (page) => {
      await faster(page);
      const here = JSON.parse(await keeps(page, 'summary.json', 120000));
      for (const measure of ['natural', 'pgd20', 'cw20', 'robust']) {
        t.diagnostic(`${measure} ${here[measure]} here, ${there[measure]} there`);
        assert.ok(Math.abs(here[measure] - there[measure]) <= 0.02, measure);
      }
    });
  });
});

describe('time', () => {
  /** Batches a second at full speed, by what the page says. */
  async function rate(page, seconds) {
    const done = () => page.locator('#mirror [aria-label^="Progress:"]').first().getAttribute('aria-label').then((text) => +text.match(/(\d+) of/)[1]);
    await page.waitForTimeout(1500);
    // From one change of what is said to the last: how long it is between views does not matter.
    const changes = [];
    const until = Date.now() + 1000 * seconds;
    let before = await done();
    while (Date.now() < until) {
      await page.waitForTimeout(100);
      const now = await done();
      if (now !== before) changes.push([now, Date.now()]);
      before = now;
    }
    assert.ok(changes.length >= 2, `it says that it goes on, ${changes.length} times in ${seconds} s`);
    const [[from, begun], [to, ended]] = [changes[0], changes.at(-1)];
    return (to - from) / ((ended - begun) / 1000);
  }

  test('a step takes at most 25 ms on the CPU backend, and the page answers within 50 ms all along', async (t) => {
    await with_page({ hash: '#v=1&epochs=5000' }, async (page) => {
      await faster(page);
      const measure = async (since) => [await rate(page, 8), await tasks(page, since)];
      const [steps, longest] = await in_one_window(page, measure, ([steps, longest]) => 1000 / steps <= 25 && longest <= 50);
      t.diagnostic(`${steps.toFixed(0)} batches/s, ${(1000 / steps).toFixed(2)} ms each; longest task ${longest} ms`);
      assert.ok(1000 / steps <= 25);
      assert.ok(longest <= 50, `${longest} ms`);
    });
  });

  test('a frame follows the one before within 100 ms, as a rule, while it trains at full speed', async (t) => {
    await with_page({ hash: '#v=1&epochs=5000&device=cpu' }, async (page) => {
      await faster(page);
      await page.waitForTimeout(1500);
      // From one picture of the canvas to the next: each begins by clearing it.
      const frames = () => page.evaluate(() => new Promise((resolve) => {
        const drawn = [];
        const { clear } = WebGL2RenderingContext.prototype;
        WebGL2RenderingContext.prototype.clear = function (...what) { drawn.push(performance.now()); return clear.apply(this, what); };
        setTimeout(() => {
          WebGL2RenderingContext.prototype.clear = clear;
          const between = drawn.slice(1).map((at, place) => at - drawn[place]).sort((a, b) => a - b);
          resolve([between[between.length >> 1], between[Math.floor(0.95 * between.length)], between.length]);
        }, 8000);
      }));
      const [median, late, count] = await in_one_window(page, frames, ([median]) => median <= 100);
      t.diagnostic(`${count} frames in 8 s: median ${median.toFixed(0)} ms, 95 of 100 within ${late.toFixed(0)} ms`);
      assert.ok(median <= 100, `${median} ms`);
    });
  });

  test('a step takes at most 800 ms on a software adapter, in one kernel, and the page answers within 200 ms', async (t) => {
    await with_page({ hash: '#v=1&epochs=5000&device=software&path=fused', context: { viewport: { width: 640, height: 480 } } }, async (page) => {
      await says(page, /training.*software/, 120000);
      await faster(page);
      const measure = async (since) => [await rate(page, 25), await tasks(page, since)];
      const [steps, longest] = await in_one_window(page, measure, ([steps, longest]) => 1000 / steps <= 800 && longest <= 200);
      t.diagnostic(`${steps.toFixed(1)} batches/s, ${(1000 / steps).toFixed(0)} ms each; longest task ${longest} ms`);
      assert.ok(1000 / steps <= 800);
      assert.ok(longest <= 200, `${longest} ms`);
    });
  });

  test('a suite judges the moons and their twin within ten seconds on the CPU backend, and the page answers within 50 ms all along', async (t) => {
    await with_page({ hash: '#v=1&method=gairat&twin=at&epochs=5000' }, async (page) => {
      await says(page, /training, epoch [1-9]/);
      // The inspector, which has no sample yet, has a tab for it.
      await page.keyboard.press('i');
      await page.locator('#mirror [aria-label="Judge"]').nth(1).waitFor({ state: 'attached' });
      await press(page, 'Judge');
      await press(page, 'curve over ε');
      const at_work = page.locator('#mirror [aria-label="Stop judging"]').first();
      const judge = async (since) => {
        const begun = Date.now();
        await page.keyboard.press('j');
        await at_work.waitFor({ state: 'attached', timeout: 20000 });
        await at_work.waitFor({ state: 'detached', timeout: 60000 });
        return [(Date.now() - begun) / 1000, await tasks(page, since)];
      };
      const [seconds, longest] = await in_one_window(page, judge, ([seconds, longest]) => seconds <= 10 && longest <= 50);
      const said = await says(page, /GAIRAT[^.]*: judged by trust.*AT: judged by trust/);
      t.diagnostic(`${seconds.toFixed(1)} s; longest task ${longest} ms; ${said}`);
      assert.ok(seconds <= 10, `${seconds} s`);
      assert.ok(longest <= 50, `${longest} ms`);
      assert.match(await drawn(page), /95 %: \d+/);
      await shot(page, 'judge');
      // What was said stays with the run.
      assert.equal(JSON.parse(await keeps(page, 'judgements.json')).at(-1).attacks, 'trust');
      // And it can be stopped.
      await page.keyboard.press('j');
      await press(page, 'Stop judging');
      await at_work.waitFor({ state: 'detached', timeout: 5000 });
    });
  });

  test('a hidden tab rests', async () => {
    await with_page({ hash: '#v=1&epochs=5000' }, async (page) => {
      const hide = (hidden) => page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
      const done = () => page.locator('#mirror [aria-label^="Progress:"]').first().getAttribute('aria-label');
      await hide(true);
      await page.waitForTimeout(1500);
      const before = await done();
      await page.waitForTimeout(1500);
      assert.equal(await done(), before);
      await hide(false);
      await page.waitForFunction((before) => document.querySelector('#mirror [aria-label^="Progress:"]').getAttribute('aria-label') !== before, before);
    });
  });
});

describe('where something is missing', () => {
  test('WebGPU switched off by a flag: it trains on the CPU and says so', async () => {
    const other = await launch({ webgpu: false });
    try {
      await with_page({ browser: other }, async (page) => {
        assert.equal(await page.evaluate(() => navigator.gpu?.requestAdapter() ?? null), null);
        assert.match(await says(page, /training.*Computed/), /CPU/);
      });
    } finally {
      await other.close();
    }
  });

  test('a browser that knows no WebGPU: the same', () => with_page(
    tampered('delete WorkerNavigator.prototype.gpu;'),
    async (page) => assert.match(await says(page, /training.*Computed/), /CPU/),
  ));

  test('no adapter: the same', () => with_page(
    tampered('Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null, wgslLanguageFeatures: new Set() } });'),
    async (page) => assert.match(await says(page, /training.*Computed/), /CPU/),
  ));

  test('limits too small: it says what is missing and trains on the CPU', () => with_page(
    tampered(`const ask = GPU.prototype.requestAdapter;
      GPU.prototype.requestAdapter = async function (...options) {
        const adapter = await ask.apply(this, options);
        const limits = new Proxy(adapter.limits, { get: (all, name) => (name === 'maxStorageBuffersPerShaderStage' ? 4 : Reflect.get(all, name, all)) });
        Object.defineProperty(adapter, 'limits', { value: limits });
        return adapter;
      };`),
    async (page) => assert.match(await says(page, /training.*Computed/), /CPU/),
  ));

  test('a device that is lost in the middle: it goes on with the CPU and says so', () => {
    const tricks = tampered(`const ask = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...options) { return (self.device = await ask.apply(this, options)); };`);
    return with_page({ ...tricks, hash: '#v=1&epochs=3000&device=software' }, async (page) => {
      await says(page, /training, epoch [1-9].*software/, 180000);
      const worker = page.workers().find((worker) => worker.url().endsWith('worker.js'));
      await worker.evaluate(() => self.device.destroy());
      await says(page, /training.*Computed on CPU/, 60000);
      const told = await page.evaluate(() => document.getElementById('mirror').textContent);
      assert.match(told, /no longer answers/);
      await shot(page, 'device-lost');
      page.faults = page.faults.filter((fault) => !/[Dd]evice|GPU|unreachable|wasm/.test(fault));
    });
  });

  test('over plain HTTP from another machine, where browsers give a page neither WebGPU nor locks: it trains on the CPU and keeps its run', async () => {
    const other = await launch({ more: ['--host-resolver-rules=MAP elsewhere.test 127.0.0.1'] });
    try {
      const url = server.url.replace('localhost', 'elsewhere.test');
      await with_page({ browser: other, url }, async (page) => {
        assert.deepEqual(await page.evaluate(() => [isSecureContext, !!navigator.locks, !!navigator.gpu]), [false, false, false]);
        assert.match(await says(page, /training, epoch (?!0)\d+ of.*Computed/), /CPU/);
        await keeps(page, 'resume.safetensors');
        await page.reload();
        await alive(page);
        await press(page, 'Go on with it');
        await says(page, /training, epoch (?!0)\d+ of/);
      });
    } finally {
      await other.close();
    }
  });

  test('a browser without SIMD gets a sentence', () => with_page(
    { wait: false, prepare: (page) => page.addInitScript(() => { WebAssembly.validate = () => false; }) },
    async (page) => {
      await page.getByRole('alert').waitFor();
      assert.match(await page.getByRole('alert').textContent(), /SIMD/);
      await shot(page, 'no-simd');
    },
  ));

  test('no WebGL at all: a sentence, and the recording stays', () => with_page(
    { wait: false, prepare: (page) => page.addInitScript(() => {
      const get = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); };
    }) },
    async (page) => {
      await page.getByRole('alert').waitFor({ timeout: 30000 });
      assert.match(await page.getByRole('alert').textContent(), /WebGL/);
    },
  ));
});

describe('links', () => {
  test('a link opens the settings that it says, and the address goes on saying them', async () => {
    const hash = '#v=1&data=circles&epsilon=0.07&steps=7&lambda=-2.5&seed=42&lock=epsilon&theme=light';
    await with_page({ hash }, async (page) => {
      await page.waitForTimeout(1500);
      const pairs = (hash) => Object.fromEntries(new URLSearchParams(hash.slice(1)));
      assert.deepEqual(pairs(new URL(page.url()).hash), pairs(hash));
      const settings = JSON.parse(await keeps(page, 'settings.json'));
      assert.deepEqual([settings.data, +settings.epsilon, +settings.steps, +settings.lambda, +settings.seed], ['circles', 0.07, 7, -2.5, 42]);
      await shot(page, 'link-light');
    });
  });

  test('a link opens any method and any twin beside it, and the address goes on saying both', async () => {
    const hash = '#v=1&beta=2&method=trades&twin=mart&twin.beta=3';
    await with_page({ hash }, async (page) => {
      await says(page, /TRADES β 2: training/);
      await says(page, /Beside it MART β 3/);
      await page.waitForTimeout(1500);
      const pairs = (hash) => Object.fromEntries(new URLSearchParams(hash.slice(1)));
      assert.deepEqual(pairs(new URL(page.url()).hash), pairs(hash));
    });
  });

  test('what differs from the defaults comes into the address, without steps in the history', async () => {
    await with_page({}, async (page) => {
      assert.equal(new URL(page.url()).hash, '');
      const before = await page.evaluate(() => history.length);
      await page.evaluate(() => { location.hash = '#v=1&data=circles'; });
      await says(page, /training/);
      await page.waitForFunction(() => location.hash.includes('circles'));
      await press(page, 'Twin run');
      await page.waitForTimeout(1000);
      assert.equal(await page.evaluate(() => history.length), before + 1);
    });
  });

  test('a link opens a situation: a selection, a speed, a start, a task and the parts that it names', async () => {
    const hash = '#v=1&select=11&speed=full&start=paused&task=Which%20points%20count%20most%3F&show=bar,stage,weights,lambda';
    await with_page({ hash }, async (page) => {
      await says(page, /paused, epoch 0.*Sample 11 is selected/);
      const told = await drawn(page);
      assert.match(told, /Which points count most\?/);
      assert.match(await page.locator('#mirror').innerHTML(), /full speed/);
      for (const [name, count] of [['ε', 0], ['Weights', 1], ['Curves', 0], ['Margins', 0]]) {
        const there = await page.locator('#mirror').getByText(name, { exact: true }).count();
        assert.equal(there > 0, count > 0, name);
      }
      const pairs = (hash) => Object.fromEntries(new URLSearchParams(hash.slice(1)));
      await page.waitForTimeout(1000);
      assert.deepEqual(pairs(new URL(page.url()).hash), pairs(hash));
      await shot(page, 'link-situation');
    });
  });

  test('in a frame of another page the wheel scrolls that page, and Ctrl and the wheel zoom', async () => {
    const host = `${server.url}host.html`;
    const prepare = (page) => page.route('**/host.html', (route) => route.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><title>A course</title><p style="height: 100px">A text.</p><iframe src="index.html#v=1&embed=1" width="900" height="560"></iframe><p style="height: 3000px">More text.</p>',
    }));
    const context = await browser.newContext({ ...desk, serviceWorkers: 'block' });
    try {
      const page = await open(context, host, { wait: false, prepare });
      const frame = await (await page.locator('iframe').elementHandle()).contentFrame();
      await frame.waitForFunction(() => performance.getEntriesByName('live').length > 0, null, { timeout: 60000 });
      await frame.waitForTimeout(1500);
      const box = await page.locator('iframe').boundingBox();
      await page.mouse.move(box.x + 450, box.y + 250);
      const whole = frame.locator('#mirror [aria-label="Whole picture"]');
      for (let notch = 0; notch < 3; notch += 1) {
        await page.mouse.wheel(0, 60);
        await page.waitForTimeout(300);
      }
      assert.ok(await page.evaluate(() => scrollY) >= 120, 'the page around was scrolled');
      await shot(page, 'frame-hint');
      await page.waitForTimeout(700);
      assert.equal(await whole.count(), 0, 'the stage stayed');
      await page.keyboard.down('Control');
      const before = await page.evaluate(() => scrollY);
      await page.mouse.move(450, 250);
      await page.mouse.wheel(0, -240);
      await whole.waitFor({ state: 'attached', timeout: 5000 });
      await page.keyboard.up('Control');
      assert.equal(await page.evaluate(() => scrollY), before, 'the page around stayed');
    } finally {
      await context.close();
    }
  });

  test('the link of a page opens the same settings in another', async () => {
    const pick = (...values) => values[Math.floor(Math.random() * values.length)];
    for (let times = 0; times < 4; times += 1) {
      const hash = `#v=1&data=${pick('moons', 'spirals', 'xor')}&epsilon=${Math.random() * 0.2}&steps=${pick(1, 5, 20)}`
        + `&lambda=${-Math.random()}&method=${pick('at', 'gairat')}&seed=${Math.floor(Math.random() * 2 ** 52)}&lr=${pick('0.05', '0.003')}`
        + `&weighting=${pick('tanh', 'sigmoid')}&device=${pick('cpu', 'auto')}&epochs=${pick(3000, 9000)}`;
      const read = async (hash) => with_page({ hash }, async (page) => {
        const settings = JSON.parse(await keeps(page, 'settings.json'));
        await page.waitForTimeout(900);
        return [new URL(page.url()).hash, settings];
      });
      const [written, settings] = await read(hash);
      const [again, same] = await read(written);
      assert.equal(again, written, hash);
      assert.deepEqual(same, settings, hash);
      assert.equal(settings.seed, +hash.match(/seed=(\d+)/)[1], hash);
    }
  });

  test('mutated links never break the page', async () => {
    await with_page({}, async (page) => {
      await says(page, /training/);
      let random = 12345;
      const next = (below) => { random = (random * 1103515245 + 12345) % 2147483648; return random % below; };
      const whole = '#v=1&preset=close&data=circles&epsilon=0.07&steps=7&lambda=-2.5&seed=42&lock=epsilon,lambda&hide=curves&theme=light&lesson=2';
      const signs = '#&=%,.-+019ae\u{1F980}\u0000 "<';
      for (let times = 0; times < 60; times += 1) {
        const text = [...whole];
        for (let cuts = 1 + next(9); cuts > 0; cuts -= 1) {
          const at = next(text.length);
          const sign = [...signs][next([...signs].length)];
          text.splice(at, next(2), ...(next(3) ? [sign] : []));
        }
        await page.evaluate((hash) => { location.hash = hash; }, text.join(''));
        await page.waitForTimeout(120);
      }
      await page.evaluate(() => { location.hash = '#v=1&data=circles&epochs=4000'; });
      await says(page, /training, epoch \d+ of 4000/);
    });
  });

  test('broken links open something, and name what they ignored', async () => {
    const broken = ['#v=9&epsilon=cow', '#%%%&&&===', '#data=npz:/etc/passwd&steps=-1', `#${'x'.repeat(9000)}`, '#v=1&hide=sky,bar,bar&lesson=99&embed=maybe', '#lambda=1e999&epsilon=NaN', '#\u{1F980}=\u{1F980}'];
    for (const hash of broken) {
      await with_page({ hash }, async (page) => {
        await says(page, /training|Training/);
        await page.waitForFunction(() => /ignored|reads what it can/.test(document.getElementById('mirror').textContent));
      });
    }
  });

  test('embed shows the stage and its buttons alone', async () => {
    await with_page({ hash: '#v=1&embed=1', context: { viewport: { width: 640, height: 480 } } }, async (page) => {
      await says(page, /training/);
      await page.waitForTimeout(800);
      const names = await page.evaluate(() => [...document.querySelectorAll('#mirror > *')].map((part) => part.getAttribute('aria-label') ?? part.textContent));
      for (const there of ['Play or pause', 'One batch']) assert.ok(names.includes(there), `${there} in ${names}`);
      for (const hidden of ['All commands…', 'Twin run', 'Settings', 'ε']) assert.ok(!names.includes(hidden), `${hidden} in ${names}`);
      await shot(page, 'embed');
    });
  });
});

describe('what stays', () => {
  test('a run survives a reload, and goes on where it was', async () => {
    for (const hash of ['', '#v=1&epochs=5000&lambda=-2.5']) {
      await with_page({ hash }, async (page) => {
        await says(page, /training, epoch (?!0)\d+ of/);
        await keeps(page, 'resume.safetensors');
        await page.reload();
        await alive(page);
        await press(page, 'Go on with it');
        const [, epoch] = (await says(page, /training, epoch (\d+) of/)).match(/epoch (\d+) of/);
        assert.ok(+epoch >= 1, `epoch ${epoch}`);
        // A link that means something else opens that.
        await page.goto(`${server.url}#v=1&data=circles&epochs=5000`);
        await page.reload();
        await says(page, /training/);
        assert.doesNotMatch(await drawn(page), /was open when this page was closed/);
      });
    }
  });

  test('a run that one tab has is not touched by another, and goes on there when the first is closed', async () => {
    await with_page({ hash: '#v=1&epochs=5000' }, async (page, context) => {
      await says(page, /training, epoch (?!0)\d+ of/);
      await keeps(page, 'resume.safetensors');
      const [folder] = await folders(page);
      const other = await open(context, server.url);
      await says(other, /training/);
      assert.doesNotMatch(await drawn(other), /was open when this page was closed/);
      const button = (name) => other.locator(`#mirror [aria-label="${name}"]`).first();
      await other.keyboard.press('Control+o');
      const held = button(`${folder}, at work in another tab`);
      await held.waitFor({ state: 'attached' });
      assert.equal(await held.getAttribute('aria-disabled'), 'true');
      assert.equal(await button(`Delete ${folder}`).getAttribute('aria-disabled'), 'true');
      await shot(other, 'two-tabs');
      await leave(other);
      // Its own archive is taken in beside it, not over it.
      await page.keyboard.press('Control+o');
      const download = await pressed(page, 'Download', 'download');
      const zip = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'gairat-page-')), download.suggestedFilename());
      await download.saveAs(zip);
      await leave(page);
      await upload(other, zip);
      for (const end = Date.now() + 20000; !(await folders(other)).includes(`${folder}_2`);) {
        assert.ok(Date.now() < end, `${await folders(other)}`);
        await other.waitForTimeout(300);
      }
      fs.rmSync(path.dirname(zip), { recursive: true });
      await leave(other);
      const faults = page.faults;
      await page.close();
      assert.deepEqual(faults, []);
      // Its lock ends with it.
      await other.keyboard.press('Control+o');
      await other.waitForFunction((name) => {
        const button = document.querySelector(`#mirror [aria-label="${name}"]`);
        return button && button.getAttribute('aria-disabled') !== 'true';
      }, folder);
      await press(other, folder);
      const [, epoch] = (await says(other, /training, epoch (\d+) of 5000/)).match(/epoch (\d+) of/);
      assert.ok(+epoch >= 1, `epoch ${epoch}`);
      assert.deepEqual(other.faults, []);
    });
  });

  test('a page that is closed before it learned anything leaves nothing', async () => {
    await with_page({ hash: '#v=1&epochs=5000' }, async (page) => {
      await says(page, /training, epoch (?!0)\d+ of/);
      await keeps(page, 'resume.safetensors');
      // Each of these begins a run, paused behind the question whether to go on with the first.
      for (let times = 0; times < 3; times += 1) {
        await page.goto(server.url);
        await page.reload();
        await alive(page);
        await page.locator('#mirror [aria-label="Go on with it"]').first().waitFor({ state: 'attached' });
      }
      await press(page, 'Go on with it');
      await says(page, /training, epoch (?!0)\d+ of/);
      await page.waitForTimeout(500);
      const left = await folders(page);
      assert.equal(left.length, 1, left.join(', '));
    });
  });

  test('a full storage is told, and what it did not take is kept when there is room again', async () => {
    const full = `self.full = true;
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (...what) {
        if (self.full) throw new DOMException('no room', 'QuotaExceededError');
        return put.apply(this, what);
      };`;
    await with_page({ ...tampered(full), hash: '#v=1&epochs=5000' }, async (page) => {
      await says(page, /training, epoch (?!0)\d+ of/);
      await page.waitForFunction(() => /storage for this page is full/.test(document.getElementById('mirror').textContent));
      await shot(page, 'full-storage');
      assert.deepEqual(await folders(page), []);
      // All of it can be taken away all the same.
      await page.keyboard.press('Space');
      await page.keyboard.press('Control+s');
      await page.keyboard.press('Control+o');
      const download = await pressed(page, 'Download', 'download');
      assert.ok(fs.statSync(await download.path()).size > 10000);
      await leave(page);
      const worker = page.workers().find((worker) => worker.url().endsWith('worker.js'));
      await worker.evaluate(() => { self.full = false; });
      await page.waitForFunction(() => /takes files again/.test(document.getElementById('mirror').textContent));
      await keeps(page, 'resume.safetensors');
      await keeps(page, 'settings.json');
    });
  });

  test('a run is downloaded, deleted when that is said twice, and uploaded again', async () => {
    await with_page({ hash: '#v=1&epochs=2' }, async (page) => {
      await keeps(page, 'summary.json');
      const [folder] = await folders(page);
      await page.evaluate(() => { location.hash = '#v=1&data=circles&epochs=5000'; });
      await says(page, /training, epoch (?!0)\d+ of 5000/);
      await page.keyboard.press('Control+o');
      // The second in the list: the newest is first.
      await page.locator(`#mirror [aria-label="Delete ${folder}"]`).first().waitFor({ state: 'attached' });
      const download = await pressed(page, 'Download', 'download');
      assert.equal(download.suggestedFilename(), `${folder}.zip`);
      const zip = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'gairat-page-')), download.suggestedFilename());
      await download.saveAs(zip);
      await press(page, `Delete ${folder}`);
      assert.ok((await folders(page)).includes(folder), 'it asks first');
      await press(page, `Really? ${folder}`);
      await page.waitForFunction(() => /Deleted: /.test(document.getElementById('mirror').textContent));
      assert.ok(!(await folders(page)).includes(folder));
      await shot(page, 'open-dialog');
      await upload(page, zip);
      await says(page, /finished/);
      const back = (await names(page)).filter((name) => name.startsWith(`runs/${folder}/`));
      for (const file of ['settings.json', 'summary.json', 'best.safetensors', 'samples.csv']) {
        assert.ok(back.includes(`runs/${folder}/${file}`), `${file} in ${back}`);
      }
      fs.rmSync(path.dirname(zip), { recursive: true });
    });
  });

  test('IDX files are uploaded together, trained on, and deleted', async () => {
    const two = Array.from({ length: 60 }, (_, place) => place % 2);
    const { files: [images, labels], gone } = idx('mine', 4, two, (sample, place) => (sample % 2 ? 40 : 200) + ((16 * sample + place) * 7) % 40);
    await with_page({}, async (page) => {
      await says(page, /training/);
      await upload(page, [labels]);
      await page.waitForFunction(() => /without their images/.test(document.getElementById('mirror').textContent));
      await upload(page, [images, labels]);
      await begun(page, { data: 'idx:uploads/mine-images,uploads/mine-labels' });
      await says(page, /training, epoch (?!0)\d+ of|finished/, 120000);
      assert.ok((await names(page)).includes('uploads/mine-images'));
      await page.reload();
      await alive(page);
      await page.keyboard.press('Control+o');
      await press(page, 'Uploaded data (2)');
      const theirs = page.locator('#mirror [aria-label="Delete mine-images"]').first();
      await theirs.waitFor({ state: 'attached' });
      assert.equal(await theirs.getAttribute('aria-disabled'), 'true', 'a run needs it');
      const run = (await folders(page)).find((folder) => folder.includes('_idx_'));
      await press(page, `Delete ${run}`);
      await press(page, `Really? ${run}`);
      await page.waitForFunction(() => document.querySelector('#mirror [aria-label="Delete mine-images"]')?.getAttribute('aria-disabled') !== 'true');
      await press(page, 'Delete mine-images');
      await press(page, 'Really? mine-images');
      await page.waitForFunction(() => /Deleted: mine-images/.test(document.getElementById('mirror').textContent));
      assert.ok(!(await names(page)).includes('uploads/mine-images'));
    });
    gone();
  });

  /** A folder of PNG and JPEG pictures of 8 x 8 by class, which the browser makes: `set/CLASS/NUMBER.KIND`. */
  async function pictures() {
    const made = await with_page({}, (page) => page.evaluate(async () => {
      const all = [];
      for (let number = 0; number < 60; number += 1) {
        const canvas = new OffscreenCanvas(8, 8);
        const pen = canvas.getContext('2d');
        for (let place = 0; place < 64; place += 1) {
          const level = (number % 2 ? 40 : 150) + ((17 * number + 31 * place) % 60);
          pen.fillStyle = `rgb(${level} ${255 - level} ${(3 * place) % 256})`;
          pen.fillRect(place % 8, Math.floor(place / 8), 1, 1);
        }
        const kind = number % 3 ? 'png' : 'jpeg';
        const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: `image/${kind}` })).arrayBuffer());
        all.push([`${number % 2 ? 'ant' : 'bee'}/${number}.${kind}`, [...bytes]]);
      }
      return all;
    }));
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'gairat-page-'));
    const folder = path.join(root, 'set');
    for (const [name, bytes] of made) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), Buffer.from(bytes));
    }
    // What systems leave in folders is no picture.
    fs.writeFileSync(path.join(folder, '.DS_Store'), 'x');
    return { folder, gone: () => fs.rmSync(root, { recursive: true }) };
  }

  test('the program is a module for browsers that multiply and add in one instruction and for others, and trains in both', async () => {
    const refuse = (page) => page.addInitScript(() => {
      // The only module that is asked about and has this instruction.
      const { validate } = WebAssembly;
      WebAssembly.validate = (bytes) => !(bytes.length === 40 && bytes[37] === 133) && validate(bytes);
    });
    await with_page({ prepare: refuse }, async (page) => {
      await says(page, /training, epoch (?!0|1 )\d+ of|finished/);
      const [fused, plain] = await page.evaluate(async () => {
        const { default: init, Unpacker } = await import('./unpack.js');
        await init({ module_or_path: 'unpack_bg.wasm' });
        const packed = new Uint8Array(await (await fetch('gairat.pack')).arrayBuffer());
        return [true, false].map((fused) => {
          const unpacker = new Unpacker(fused);
          const parts = [unpacker.push(packed), unpacker.end()];
          const whole = new Uint8Array(parts[0].length + parts[1].length);
          whole.set(parts[0]);
          whole.set(parts[1], parts[0].length);
          return { valid: WebAssembly.validate(whole), length: whole.length };
        });
      });
      assert.ok(fused.valid && plain.valid, 'both are modules');
      assert.ok(plain.length > fused.length, 'there are instructions to take apart');
    });
  });

  /** What tells data from others: it is in the state that a run keeps. */
  const fingerprint = (state) => state.match(/\d+ train samples of [^"\\]*/)[0];

  test('folders of PNG and JPEG are uploaded and dropped, Parquet is uploaded, and the numbers are those of the terminal', async () => {
    const { folder, gone } = await pictures();
    const there = (data, more = {}) => fingerprint(native(['--data', data, ...Object.entries({ epochs: 1, ...more }).flatMap(([name, value]) => [`--${name.replace('_', '-')}`, `${value}`])])['resume.safetensors']);
    // One at a time, in a browser that has kept nothing: the newest run is that of the pictures.
    const here = (give, begins) => with_page({}, async (page) => {
      await says(page, /training/);
      await give(page);
      await begun(page, begins);
      await says(page, /training, epoch (?!0)\d+ of|finished/, 120000);
      for (let times = 0; ; times += 1) {
        // It is stored a moment after it is told of; the run before was of points.
        const state = fingerprint(await keeps(page, 'resume.safetensors'));
        if (/of 3x/.test(state) || times > 40) return state;
        await page.waitForTimeout(300);
      }
    });
    const expected = there(`images:${folder}`);
    assert.match(expected, /of 3x8x8, 2 classes/);
    assert.equal(await here(async (page) => {
      await leave(page);
      await page.keyboard.press('Control+o');
      // As in browsers that know only the older way.
      await page.evaluate(() => { globalThis.showDirectoryPicker = undefined; });
      const chooser = await pressed(page, 'Folder…', 'filechooser');
      await chooser.setFiles(folder);
    }, { data: 'images:uploads/set.zip' }), expected, 'uploaded');
    assert.equal(await here(async (page) => {
      // A real folder of the browser's; only the dialog is left out, which no test can press.
      const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
        .map((one) => path.join(one.parentPath, one.name)).map((file) => [path.relative(folder, file).split(path.sep), fs.readFileSync(file, 'base64')]);
      await page.evaluate(async (files) => {
        const chosen = await (await navigator.storage.getDirectory()).getDirectoryHandle('set', { create: true });
        for (const [names, content] of files) {
          let inside = chosen;
          for (const name of names.slice(0, -1)) inside = await inside.getDirectoryHandle(name, { create: true });
          const file = await (await inside.getFileHandle(names.at(-1), { create: true })).createWritable();
          await file.write(Uint8Array.from(atob(content), (byte) => byte.charCodeAt()));
          await file.close();
        }
        globalThis.showDirectoryPicker = async () => { globalThis.picked = true; return chosen; };
      }, files);
      await leave(page);
      await page.keyboard.press('Control+o');
      for (let times = 0; times < 3 && !await page.evaluate(() => globalThis.picked); times += 1) await press(page, 'Folder…');
    }, { data: 'images:uploads/set.zip' }), expected, 'picked');
    await with_page({}, async (page) => {
      await says(page, /training/);
      await leave(page);
      await page.keyboard.press('Control+o');
      for (const [name, says] of [['AbortError', null], ['SecurityError', /The folder cannot be read: .*not here/]]) {
        await page.evaluate((name) => { globalThis.showDirectoryPicker = async () => { globalThis.picked = name; throw new DOMException('not here', name); }; }, name);
        for (let times = 0; times < 3 && await page.evaluate(() => globalThis.picked) !== name; times += 1) await press(page, 'Folder…');
        await page.waitForTimeout(1000);
        if (says) assert.match(await drawn(page), says); else assert.doesNotMatch(await drawn(page), /cannot be read/);
      }
    });
    assert.equal(await here(async (page) => {
      const browser = await page.context().newCDPSession(page);
      const data = { items: [], files: [folder], dragOperationsMask: 1 };
      for (const type of ['dragEnter', 'dragOver', 'drop']) await browser.send('Input.dispatchDragEvent', { type, x: 500, y: 300, data });
    }, { data: 'images:uploads/set.zip' }), expected, 'dropped');
    // Two sets whose files have the same name, one after the other: each is alone.
    const [first, second] = ['a', 'b'].map((name) => path.join(path.dirname(folder), name, 'train-0.parquet'));
    const test = path.join(path.dirname(second), 'test-0.parquet');
    for (const [from, to] of [['snappy', first], ['zstd-small-pages', second], ['plain', test]]) {
      fs.mkdirSync(path.dirname(to), { recursive: true });
      fs.copyFileSync(path.join(import.meta.dirname, `../fixtures/parquet/${from}.parquet`), to);
    }
    const few = path.join(path.dirname(folder), 'few.json');
    const wanted = { epochs: 2, batch: 2, burn_in: 0, validation: 0 };
    assert.equal(await here(async (page) => {
      await upload(page, [first]);
      while (!(await names(page)).includes('uploads/train-0/train-0.parquet')) await page.waitForTimeout(200);
      await upload(page, [second, test]);
      while (!(await names(page)).includes('uploads/train-0_2/test-0.parquet')) await page.waitForTimeout(200);
      fs.writeFileSync(few, JSON.stringify({ ...wanted, data: 'parquet:uploads/train-0_2' }));
      await upload(page, few);
    }, { data: 'parquet:uploads/train-0_2', batch: 2 }), there(`parquet:${path.dirname(second)}`, wanted), 'Parquet');
    gone();
  });

  test('a set of 60 MB is uploaded and trained on, the page answers within 50 ms all along, and it is stored', async (t) => {
    const two = Array.from({ length: 76500 }, (_, place) => place % 2);
    const { files, gone } = idx('large', 28, two, (sample, place) => (place < 300 ? 40 + 160 * two[sample] : 0));
    let longest;
    // A busy machine is late and never early: what holds in one of three holds.
    for (let time = 0; time < 3 && !(longest <= 50); time += 1) {
      longest = await with_page({}, async (page) => {
        await says(page, /training/);
        const since = await now(page);
        await upload(page, files);
        await says(page, /reading data/, 60000);
        await says(page, /training/, 120000);
        // The worker has read it there.
        assert.ok((await names(page)).includes('uploads/large-images'));
        return tasks(page, since);
      });
      t.diagnostic(`longest task ${longest} ms`);
    }
    assert.ok(longest <= 50, `a task of ${longest} ms`);
    gone();
  });

  test('it works without a network, once it was there', async () => {
    const near = await serve();
    const context = await browser.newContext(desk);
    try {
      const page = await open(context, near.url);
      await page.evaluate(() => navigator.serviceWorker.ready);
      await page.waitForFunction(async () => (await caches.keys()).length > 0 && navigator.serviceWorker.controller !== null);
      await near.close();
      await context.setOffline(true);
      await page.reload();
      await alive(page);
      await says(page, /training|paused/);
    } finally {
      await context.close();
    }
  });

  test('figures and settings are downloaded, data are uploaded', async () => {
    await with_page({}, async (page) => {
      await says(page, /training, epoch (?!0)\d+ of/);
      await page.keyboard.press('Control+k');
      await page.waitForTimeout(300);
      await page.keyboard.type('Export figures');
      const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
      assert.equal(download.suggestedFilename(), 'gairat-figures.zip');
      const archive = fs.readFileSync(await download.path(), 'latin1');
      for (const name of ['accuracy.svg', 'accuracy.csv', 'weights.svg', 'stage.svg', 'stage.csv']) assert.ok(archive.includes(name), name);
      const settings = path.join(os.tmpdir(), `gairat-settings-${process.pid}.json`);
      fs.writeFileSync(settings, '{"data":"circles","epochs":7}');
      await upload(page, settings);
      await page.waitForFunction(() => location.hash.includes('circles'));
      await says(page, /of 7/);
      fs.rmSync(settings);
    });
  });
});

describe('learning', () => {
  for (const lesson of [1, 2, 3, 4, 5, 6]) {
    test(`lesson ${lesson} runs to its end and leads on`, async () => {
      await with_page({ hash: `#v=1&lesson=${lesson}` }, async (page) => {
        const place = () => page.evaluate(() => document.getElementById('mirror').textContent.match(/Lesson \d+ of \d+ · step \d+ of \d+/)?.[0]);
        for (let step = 0; step < 60; step += 1) {
          await page.waitForTimeout(700);
          const here = await page.evaluate(() => {
            const parts = [...document.querySelectorAll('#mirror button')];
            const name = (part) => part.getAttribute('aria-label');
            const on = parts.findIndex((part) => ['Next', 'Answer to go on'].includes(name(part)) || name(part)?.startsWith('Next: ') || name(part) === 'Done');
            const waits = /something to show…|are at work…/.test(document.getElementById('mirror').textContent);
            return { waits, on: on < 0 ? null : name(parts[on]), may: on >= 0 && !parts[on].hasAttribute('aria-disabled') };
          });
          if (here.waits || !here.on) continue;
          await shot(page, `lesson-${lesson}-${step}`);
          const before = await place();
          if (here.may) {
            await press(page, here.on);
            if (here.on !== 'Next') {
              // The next lesson, or none.
              const leads = here.on === 'Done' ? undefined : `Lesson ${lesson + 1} of 6 · step 1 of`;
              await page.waitForFunction((leads) => {
                const text = document.getElementById('mirror').textContent;
                return leads ? text.includes(leads) : !/Lesson \d+ of/.test(text);
              }, leads);
              return;
            }
            await page.waitForFunction((before) => !document.getElementById('mirror').textContent.includes(before), before);
          } else {
            // A question: one answer is as good as the other to go on. A title may ask as well; the question is what asks last.
            const answer = await page.evaluate(() => {
              const text = (part) => part.getAttribute('aria-label');
              const all = [...document.querySelectorAll('#mirror button, #mirror span')];
              const question = all.findLastIndex((part) => part.tagName === 'SPAN' && part.textContent.trim().endsWith('?'));
              return all.slice(question + 1).filter((part) => part.tagName === 'BUTTON').map(text)[0];
            });
            await press(page, answer);
          }
        }
        assert.fail('the lesson has not ended');
      });
    });
  }

  test('the list of commands holds what a page can do, and errors speak of what one sees', async () => {
    await with_page({ hash: '#v=1&epsilon=7' }, async (page) => {
      await page.waitForFunction(() => /ε: 7 is out of range/.test(document.getElementById('mirror').textContent));
      assert.doesNotMatch(await drawn(page), /--/);
      await page.keyboard.press('Control+k');
      await page.locator('#mirror [aria-label^="Copy link"]').first().waitFor({ state: 'attached' });
      assert.equal(await page.locator('#mirror [aria-label^="Quit"]').count(), 0);
    });
  });

  test('what is said beside the canvas is what was last drawn, also where nothing moves', async () => {
    await with_page({ hash: '#v=1&epochs=5000' }, async (page) => {
      await says(page, /training/);
      await page.keyboard.press('Space');
      await says(page, /paused/);
      const slider = page.locator('#mirror [role="slider"][aria-label="ε"]').first();
      await slider.waitFor({ state: 'attached' });
      for (let times = 0; times < 3; times += 1) {
        await slider.evaluate((element) => { element.focus(); element.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true })); });
        await page.waitForFunction((before) => location.hash.includes('epsilon') && location.hash !== before, times ? await page.evaluate(() => globalThis.before) : '');
        await page.evaluate(() => { globalThis.before = location.hash; });
        await page.waitForTimeout(1500);
        const [told, shown] = await page.evaluate(() => [+new URLSearchParams(location.hash.slice(1)).get('epsilon'), +document.querySelector('#mirror [role="slider"][aria-label="ε"]').getAttribute('aria-valuenow')]);
        assert.ok(Math.abs(told - shown) < 1e-6, `${told} in the address, ${shown} said`);
      }
    });
  });

  test('the keyboard does what the mouse does', async () => {
    await with_page({}, async (page) => {
      await says(page, /training/);
      await page.keyboard.press('Space');
      await says(page, /paused/);
      await page.keyboard.press('ArrowDown');
      await says(page, /Sample \d+ is selected/);
      await page.keyboard.press('Space');
      await says(page, /training/);
    });
  });
});

describe('a phone', () => {
  const phone = { context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } };

  /** Fingers that go from some places to others. */
  async function fingers(page, from, to) {
    const session = await page.context().newCDPSession(page);
    const touch = (type, points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    await touch('touchStart', from);
    for (let step = 1; step <= 10; step += 1) {
      await touch('touchMove', from.map(([x, y], finger) => [x + (to[finger][0] - x) * step / 10, y + (to[finger][1] - y) * step / 10]));
      await page.waitForTimeout(60);
    }
    await touch('touchEnd', []);
    await page.waitForTimeout(1200);
  }

  test('twins are stacked, one finger scrolls, two move the stage, and there is a way back', async () => {
    await with_page({ ...phone, hash: '#v=1&twin=trades&epochs=400' }, async (page) => {
      await says(page, /training, epoch (?!0)/);
      await page.waitForTimeout(800);
      const stages = () => page.evaluate(() => [...document.querySelectorAll('#mirror [role="img"][aria-label^="Stage of"]')].map((part) => part.getBoundingClientRect()).map(({ left, top, width, height }) => [left, top, width, height]));
      const [a, b] = await stages();
      assert.ok(Math.abs(a[2] - b[2]) <= 1 && Math.abs(a[3] - b[3]) <= 1, `${a} and ${b} are equally large`);
      assert.ok(a[1] + a[3] <= b[1] && b[1] + b[3] <= 844, `${a} above ${b}`);
      const small = await page.evaluate(() => [...document.querySelectorAll('#mirror button')].map((part) => [part.getAttribute('aria-label'), part.getBoundingClientRect().height]).filter(([, height]) => height < 43.5));
      assert.deepEqual(small, [], 'all that can be pressed is 44 pixels high');
      await shot(page, 'phone-twins');
      const middle = [a[0] + a[2] / 2, a[1] + a[3] / 2];
      const whole = page.locator('#mirror [aria-label="Whole picture"]');
      await fingers(page, [[middle[0], middle[1] + 60]], [[middle[0], middle[1] - 90]]);
      const [scrolled] = await stages();
      assert.ok(scrolled[1] < a[1] - 40, `${scrolled} was ${a}`);
      assert.equal(await whole.count(), 0, 'the stage stayed');
      await shot(page, 'phone-scrolled');
      await fingers(page, [[middle[0], middle[1] - 90]], [[middle[0], middle[1] + 90]]);
      const [now] = await stages();
      const [x, y] = [now[0] + now[2] / 2, now[1] + now[3] / 2];
      await fingers(page, [[x - 30, y], [x + 30, y]], [[x - 90, y], [x + 90, y]]);
      await whole.first().waitFor({ state: 'attached', timeout: 5000 });
      await shot(page, 'phone-zoomed');
      await press(page, 'Whole picture');
      await whole.first().waitFor({ state: 'detached', timeout: 5000 });
    });
  });
});

describe('every size', () => {
  for (const [width, height] of [[390, 844], [1280, 800], [1920, 1080]]) {
    for (const colorScheme of ['dark', 'light']) {
      test(`${width} x ${height}, ${colorScheme}`, async () => {
        await with_page({ hash: '#v=1&epochs=400', context: { viewport: { width, height }, colorScheme, hasTouch: width < 500 } }, async (page) => {
          await says(page, /training, epoch (?!0)\d+ of/);
          await page.keyboard.press('ArrowDown');
          await page.waitForTimeout(1200);
          // Nothing that can be pressed lies outside of the page.
          const outside = await page.evaluate(() => [...document.querySelectorAll('#mirror button')].filter((part) => {
            const box = part.getBoundingClientRect();
            return box.left < -1 || box.right > innerWidth + 1;
          }).map((part) => part.getAttribute('aria-label')));
          assert.deepEqual(outside, []);
          await shot(page, `size-${width}-${colorScheme}`);
        });
      });
    }
  }
});
