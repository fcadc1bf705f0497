// The worker: the same module as the page, which hands it over compiled; then orders.
import init, { worker } from './gairat.js';

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
