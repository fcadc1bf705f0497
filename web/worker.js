// The worker: the same module as the page, which hands it over compiled; then orders.
import init, { worker } from './gairat.js';

// The decoders of pictures: a module that is loaded when a set needs it.
globalThis.loadCodecs = async () => {
  const module = await import('./codecs.js');
  await module.default({ module_or_path: 'codecs_bg.wasm' });
  return module;
};

const early = [];
onmessage = async ({ data }) => {
  if (!(data instanceof WebAssembly.Module)) {
    early.push(data);
    return;
  }
  try {
    await init({ module_or_path: data });
    await worker();
  } catch (error) {
    // Told as an error of the worker, which the page hears.
    setTimeout(() => { throw error; });
    return;
  }
  for (const order of early) dispatchEvent(new MessageEvent('message', { data: order }));
};
