// Shares cells among worker threads.
import { Worker } from 'node:worker_threads';

/** runAll gives the results of all jobs in their order. */
export const runAll = (jobs, workers, workerData, say) =>
  new Promise((resolve, reject) => {
    const results = [];
    let given = 0;
    let done = 0;
    const feed = (worker) => {
      if (given === jobs.length) return void worker.terminate();
      worker.postMessage({ ...jobs[given], index: given });
      given += 1;
    };
    for (let count = 0; count < workers; count += 1) {
      const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
      worker.on('error', reject);
      worker.on('message', ({ index, result }) => {
        results[index] = result;
        done += 1;
        say(done, jobs.length, jobs[index], result);
        if (done === jobs.length) resolve(results);
        feed(worker);
      });
      feed(worker);
    }
  });
