// Keeps the page, so that it works without a network. The list is made by the build: names and fingerprints of all files.
const files = {{files}};
// Another copy on the same server has another scope, and keeps its own.
const mine = `gairat ${registration.scope} `;
const kept = mine + files.map(([, print]) => print).join('');

addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(kept);
    // Past the browser's own cache: all files are to be of one build.
    // A page that is open keeps the build that it began with: this one takes over when the last such page is closed.
    await cache.addAll(['./', ...files.map(([name]) => name)].map((name) => new Request(name, { cache: 'reload' })));
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
  const answer = async () => (await caches.match(event.request, { ignoreSearch: true, cacheName: kept })) ?? fetch(event.request);
  event.respondWith(answer());
});
