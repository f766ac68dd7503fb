// Prints what requiring the named modules, in turn, costs.
const start = process.hrtime.bigint();
for (const name of process.argv.slice(2)) require(name);
const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
console.log(JSON.stringify({ milliseconds, megabytes: process.memoryUsage().rss / 2 ** 20 }));
