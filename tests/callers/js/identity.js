// Call GetCallerIdentity as the JavaScript SDK does: N times with one client; one line of JSON a call.

import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const { values } = parseArgs({
  options: {
    profile: { type: "string" },
    calls: { type: "string", default: "1" },
    pause: { type: "string", default: "0" },
  },
});

try {
  const client = new STSClient({ profile: values.profile });
  for (let call = 0; call < Number(values.calls); call += 1) {
    await setTimeout(call ? Number(values.pause) * 1000 : 0);
    const who = await client.send(new GetCallerIdentityCommand({}));
    const credentials = await client.config.credentials();
    console.log(JSON.stringify({ arn: who.Arn, key: credentials.accessKeyId }));
  }
} catch (problem) {
  console.error(problem.message);
  process.exitCode = 1;
}
