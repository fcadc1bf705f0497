// Keeps the page, so that it works without a network. The list is made by the build: names and fingerprints of all files.
const files = {{files}};
const kept = `gairat-${files.map(([, print]) => print).join('').slice(0, 240)}`;

addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(kept);
    // Past the browser's own cache: all files are to be of one build.
    await cache.addAll(['./', ...files.map(([name]) => name)].map((name) => new Request(name, { cache: 'reload' })));
    await skipWaiting();
  };
  event.waitUntil(keep());
});

addEventListener('activate', (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith('gairat-') && name !== kept) await caches.delete(name);
    await clients.claim();
  };
  event.waitUntil(tidy());
});

addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET' || new URL(event.request.url).origin !== location.origin) return;
  const answer = async () => (await caches.match(event.request, { ignoreSearch: true, cacheName: kept })) ?? fetch(event.request);
  event.respondWith(answer());
});
