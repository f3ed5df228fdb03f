// Walks the steps of walk/steps.json with the SDK for JavaScript; ../walk_test.go says what a step is. Ends with an error at the
// first thing that is not as it should be.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const iam = createRequire(new URL("../js/package.json", import.meta.url))("@aws-sdk/client-iam");
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const steps = read(new URL("steps.json", import.meta.url));
const values = read(process.env.STINT_VALUES);

const client = (as) =>
  new iam.IAMClient({
    endpoint: process.env.STINT_ENDPOINT,
    region: "us-east-1",
    maxAttempts: 1,
    ...(as && { credentials: { accessKeyId: fill(as[0]), secretAccessKey: fill(as[1]) } }),
  });

function fill(v) {
  if (typeof v === "string") {
    return v.replace(/\$\{(\w+)\}/g, (_, name) => {
      assert.ok(name in values, `nothing was saved for ${name}`);
      return values[name];
    });
  }
  if (Array.isArray(v)) return v.map(fill);
  if (v && typeof v === "object") return Object.fromEntries(Object.entries(v).map(([k, m]) => [k, fill(m)]));
  return v;
}

const member = (v, path) => path.split(".").reduce((at, part) => at?.[part], v);
const differs = (answer, want) => Object.entries(fill(want ?? {})).find(([path, value]) => member(answer, path) !== value);

async function walk(step) {
  const command = () => new iam[`${step.op}Command`](fill(step.in ?? {}));
  for (let attempt = 0; attempt < 100; attempt++) {
    let answer;
    try {
      answer = await client(step.as).send(command());
    } catch (error) {
      if (!step.error) throw error;
      assert.equal(error.Code ?? error.name, step.error);
      return;
    }
    assert.ok(!step.error, `succeeded instead of ${step.error}`);
    if (differs(answer, step.until)) {
      await sleep(50);
      continue;
    }
    const difference = differs(answer, step.want);
    assert.ok(!difference, `${JSON.stringify(answer)} has not ${JSON.stringify(difference)}`);
    for (const [name, path] of Object.entries(step.save ?? {})) values[name] = member(answer, path);
    return;
  }
  assert.fail(`never ${JSON.stringify(step.until)}`);
}

for (const [i, step] of steps.entries()) {
  try {
    await walk(step);
  } catch (error) {
    console.error(`step ${i}, ${step.op}:`, error);
    process.exit(1);
  }
}
const known = Object.keys(iam).filter((name) => name.endsWith("Command") && name !== "$Command").map((name) => name.slice(0, -"Command".length));
const newer = process.env.STINT_NEWER.split(",");
const left = known.filter((op) => !newer.includes(op) && !steps.some((step) => step.op === op));
assert.deepEqual(left, [], "operations that the walk leaves out");
console.log(`${steps.length} steps, ${known.length} operations`);
