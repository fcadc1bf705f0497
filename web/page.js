// Shows the recorded run at once, loads the program with a progress bar in bytes, and hands over.

const byId = (id) => document.getElementById(id);
const told = byId('told');
const asked = new URLSearchParams(location.hash.slice(1));
if (['dark', 'light'].includes(asked.get('theme'))) document.documentElement.dataset.theme = asked.get('theme');

// In a frame of another page a finger scrolls that page.
if (asked.get('embed') === '1') document.documentElement.dataset.embed = '';

// The recording: see app/src/command/record.rs for what its signs mean.
const signs = '!#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~';
const value = (sign) => signs.indexOf(sign) / (signs.length - 1);
const run = JSON.parse(byId('first').textContent);
const points = [...run.classes].map((label, place) => {
  const number = (at) => (signs.indexOf(run.points[at]) * signs.length + signs.indexOf(run.points[at + 1])) / (signs.length ** 2 - 1);
  return { label: +label, x: number(4 * place), y: number(4 * place + 2) };
});
const canvas = byId('recording');
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
const light = () => document.documentElement.dataset.theme === 'light'
  || (document.documentElement.dataset.theme !== 'dark' && matchMedia('(prefers-color-scheme: light)').matches);

function draw(frame) {
  const side = Math.round(canvas.clientWidth * devicePixelRatio) || 400;
  canvas.width = canvas.height = side;
  const pen = canvas.getContext('2d');
  const ground = light() ? [248, 248, 248] : [27, 27, 27];
  const colours = light() ? [[213, 94, 0], [0, 104, 170], [7, 110, 100]] : [[240, 150, 60], [90, 165, 235], [40, 215, 125]];
  const mixed = (a, b, part) => a.map((channel, place) => Math.round(channel + (b[place] - channel) * part));
  const cells = new ImageData(run.cells, run.cells);
  [...frame.map].forEach((sign, cell) => {
    const [level, least] = [signs.indexOf(sign), 1 / colours.length];
    const sure = Math.max(0, (level % 30 / 29 - least) / (1 - least));
    const colour = mixed(ground, colours[Math.floor(level / 30)], 0.14 + 0.46 * sure);
    cells.data.set([...colour, 255], 4 * cell);
  });
  const small = new OffscreenCanvas(run.cells, run.cells);
  small.getContext('2d').putImageData(cells, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(small, 0, 0, side, side);
  points.forEach((point, place) => {
    const size = side / 130 * Math.sqrt(Math.max(0.15, 4 * value(frame.omega[place])));
    pen.globalAlpha = 1 - 0.06 * Math.min(10, signs.indexOf(frame.kappa[place]));
    pen.fillStyle = `rgb(${colours[point.label]})`;
    pen.beginPath();
    const [x, y] = [point.x * side, (1 - point.y) * side];
    if (point.label === 0) pen.arc(x, y, size, 0, 2 * Math.PI);
    else if (point.label === 1) pen.rect(x - 0.88 * size, y - 0.88 * size, 1.76 * size, 1.76 * size);
    else [[0, -1.2], [1.04, 0.8], [-1.04, 0.8]].forEach(([a, b]) => pen.lineTo(x + a * size, y + b * size));
    pen.fill();
  });
  pen.globalAlpha = 1;
  byId('caption').textContent = `recorded: epoch ${frame.epoch}; larger points weigh more`;
}

let shown = still ? run.frames.length - 1 : 0;
draw(run.frames[shown]);
performance.mark('first-picture');
const playing = still ? 0 : setInterval(() => {
  shown = (shown + 1) % run.frames.length;
  draw(run.frames[shown]);
}, 700);

function problem(text) {
  told.textContent = text;
  told.className = 'problem';
  told.setAttribute('role', 'alert');
  byId('loading').hidden = true;
}

// A folder that is dropped: a browser shows what is in it now or never. The program waits for the files, each with its path.
addEventListener('drop', ({ dataTransfer }) => {
  globalThis.dropped = undefined;
  const entries = [...(dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry?.isDirectory);
  if (!entries.length) return;
  const files = [];
  const asked = (ask) => new Promise((resolve, reject) => { ask(resolve, reject); });
  const walk = async (entry) => {
    if (entry.isFile) {
      files.push([entry.fullPath.slice(1), await asked((...answer) => entry.file(...answer))]);
      return;
    }
    const reader = entry.createReader();
    // It gives some at a time.
    for (let some = null; !some || some.length;) {
      some = await asked((...answer) => reader.readEntries(...answer));
      for (const one of some) await walk(one);
    }
  };
  globalThis.dropped = Promise.all(entries.map(walk)).then(() => [entries.map(({ name }) => name), files]);
  // The program says what went wrong; where it has not started yet nobody waits.
  globalThis.dropped.catch(() => {});
}, true);

// What is in a folder that was chosen by `showDirectoryPicker`, in the same form. Where a browser has no such thing the program asks with
// `<input webkitdirectory>`, with which Chromium stands still for a second while it makes thousands of files.
globalThis.inside = async (chosen) => {
  const files = [];
  const walk = async (folder, path) => {
    const here = [];
    // What systems leave in folders is no data.
    for await (const one of folder.values()) if (!one.name.startsWith('.') && one.name !== '__MACOSX') here.push(one);
    await Promise.all(here.map(async (one) => {
      const inside = `${path}/${one.name}`;
      if (one.kind !== 'file') return walk(one, inside);
      return files.push([inside, await one.getFile().catch(({ message }) => { throw new Error(`${inside}: ${message}`); })]);
    }));
  };
  await walk(chosen, chosen.name);
  return [[chosen.name], files];
};

// The smallest module with an instruction on vectors: a browser that cannot validate it cannot run the program.
const vectors = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

// One with an instruction that multiplies and adds at once: not every browser has it, and the program can do without.
const fused = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
  10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 11]);

// The program is packed smaller than servers pack it; a small module unpacks it while it arrives.
async function unpacking() {
  const { default: init, Unpacker } = await import('./unpack.js');
  await init({ module_or_path: 'unpack_bg.wasm' });
  const unpacker = new Unpacker(WebAssembly.validate(fused));
  let rested = performance.now();
  return new TransformStream({
    async transform(piece, onwards) {
      for (let at = 0; at < piece.length; at += 16384) {
        const whole = unpacker.push(piece.subarray(at, at + 16384));
        if (whole.length) onwards.enqueue(whole);
        // The recording goes on meanwhile.
        if (performance.now() - rested > 15) {
          await new Promise((resolve) => { setTimeout(resolve); });
          rested = performance.now();
        }
      }
    },
    flush(onwards) { onwards.enqueue(unpacker.end()); },
  });
}

async function module() {
  const asked = fetch('gairat.pack');
  const unpack = unpacking();
  const answer = await asked;
  if (!answer.ok) throw new Error(`gairat.pack: the server answers ${answer.status}`);
  const whole = +document.body.dataset.weight;
  const mega = (bytes) => (bytes / 1e6).toFixed(1);
  let loaded = 0;
  const counted = answer.body.pipeThrough(new TransformStream({
    transform(chunk, onwards) {
      loaded += chunk.byteLength;
      byId('progress').value = loaded / whole;
      byId('bytes').textContent = `${mega(loaded)} of ${mega(whole)} MB`;
      if (loaded >= whole) byId('bytes').textContent = 'starting…';
      onwards.enqueue(chunk);
    },
  }));
  return WebAssembly.compileStreaming(new Response(counted.pipeThrough(await unpack), { headers: { 'Content-Type': 'application/wasm' } }));
}

async function begin() {
  if (typeof WebAssembly !== 'object' || !WebAssembly.validate(vectors)) {
    problem('This browser has no WebAssembly with SIMD, which the program is made of. Chrome and Edge since 91, Firefox since 89 and Safari since 16.4 have it.');
    return;
  }
  const loaded = module();
  const { default: init, page } = await import('./gairat.js');
  await init({ module_or_path: await loaded });
  performance.mark('module');
  addEventListener('gairat-shown', () => {
    performance.mark('live');
    clearInterval(playing);
    byId('before').classList.add('gone');
    setTimeout(() => { byId('before').hidden = true; byId('before').style.display = 'none'; }, 300);
    byId('gairat').focus();
  }, { once: true });
  await page(byId('gairat'));
}

begin().catch((error) => {
  problem(`The program could not be started: ${error.message ?? error}. Reload the page; if that does not help, try another browser.`);
});

if ('serviceWorker' in navigator) {
  addEventListener('load', () => {
    // A page that cannot keep itself works all the same, with a network.
    navigator.serviceWorker.register('sw.js').catch(() => {});
  });
}
