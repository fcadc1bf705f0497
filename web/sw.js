// Keeps the page, so that it works without a network. The list is made by the build: names and fingerprints of all files.
const files = {{files}};
// Kept when it is first asked for: few need it.
const later = {{later}};
// Another copy on the same server has another scope, and keeps its own.
const mine = `gairat ${registration.scope} `;
const kept = mine + [...files, ...later].map(([, print]) => print).join('');

async function fingerprint(answer) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await answer.arrayBuffer()));
  return [...digest.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(kept);
    // A page that is open keeps the build that it began with: this one takes over when the last such page is closed.
    await Promise.all(files.map(async ([name, print]) => {
      // What the page has just loaded need not be loaded again, if it is of this build.
      let answer = await fetch(name);
      if (!answer.ok || await fingerprint(answer.clone()) !== print) answer = await fetch(new Request(name, { cache: 'reload' }));
      if (!answer.ok) throw new Error(`${name}: the server answers ${answer.status}`);
      if (name === 'index.html') await cache.put('./', answer.clone());
      await cache.put(name, answer);
    }));
  };
  event.waitUntil(keep());
});

addEventListener('activate', (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith(mine) && name !== kept) await caches.delete(name);
    await clients.claim();
  };
  event.waitUntil(tidy());
});

addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET' || new URL(event.request.url).origin !== location.origin) return;
  const answer = async () => {
    const here = await caches.match(event.request, { ignoreSearch: true, cacheName: kept });
    if (here) return here;
    const [name, print] = later.find(([name]) => event.request.url === registration.scope + name) ?? [];
    const fresh = await fetch(event.request);
    // Of another build it would be of no use to this one.
    if (name && fresh.ok && await fingerprint(fresh.clone()) === print) {
      // Where there is no room to keep it, it is loaded again the next time.
      await caches.open(kept).then((cache) => cache.put(name, fresh.clone())).catch(() => {});
    }
    return fresh;
  };
  event.respondWith(answer());
});
