// Plays the scene of the client tests with the SDK for JavaScript. Ends with an error at the first thing that is not as it
// should be.
import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as iam from "@aws-sdk/client-iam";
import * as sts from "@aws-sdk/client-sts";

const endpoint = process.env.STINT_ENDPOINT;
const account = "111122223333";
const role = `arn:aws:iam::${account}:role/worker`;

const policy = (action, more) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: action, ...more }] });
const allowAll = policy("*", { Resource: "*" });
const allowKeys = policy("sts:GetAccessKeyInfo", { Resource: "*" });
const trust = policy(["sts:AssumeRole", "sts:TagSession"], { Principal: { AWS: account } });

const configuration = (made) => ({
  endpoint,
  region: "us-east-1",
  maxAttempts: 1,
  ...(made && {
    credentials: {
      accessKeyId: made.AccessKeyId,
      secretAccessKey: made.SecretAccessKey,
      sessionToken: made.SessionToken,
    },
  }),
});
const stsOf = (made) => new sts.STS(configuration(made));
const iamOf = (made) => new iam.IAM(configuration(made));

// refused wants this error, by name or as the class that the SDK has for it, and gives it back.
async function refused(what, kind, call) {
  let error;
  try {
    await call();
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, `${what} was not refused`);
  if (typeof kind === "string") {
    assert.equal(error.name, kind, what);
  } else {
    assert.ok(error instanceof kind, `${what}: ${error}`);
  }
  assert.match(error.$metadata.requestId ?? "", /^[0-9a-f-]{36}$/, `${what}: request id`);
  return error;
}

function oneTimeCode(seed, steps) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...seed.replace(/=+$/, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const digest = createHmac("sha1", key).update(counter).digest();
  const value = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(value % 1000000).padStart(6, "0");
}

async function build(admin) {
  await admin.createUser({ UserName: "builder" });
  await refused("a user twice", iam.EntityAlreadyExistsException, () => admin.createUser({ UserName: "builder" }));
  const { Policy } = await admin.createPolicy({ PolicyName: "everything", PolicyDocument: allowAll });
  await admin.attachUserPolicy({ UserName: "builder", PolicyArn: Policy.Arn });
  await admin.createRole({ RoleName: "worker", AssumeRolePolicyDocument: trust });
  await admin.putRolePolicy({ RoleName: "worker", PolicyName: "all", PolicyDocument: allowAll });
  const { Role } = await admin.getRole({ RoleName: "worker" });
  assert.equal(decodeURIComponent(Role.AssumeRolePolicyDocument), trust);
  await refused("a role that is not there", iam.NoSuchEntityException, () => admin.getRole({ RoleName: "ghost" }));
  await refused("a malformed policy", iam.MalformedPolicyDocumentException, () =>
    admin.createPolicy({ PolicyName: "bad", PolicyDocument: "{" }),
  );
  const { AccessKey } = await admin.createAccessKey({ UserName: "builder" });
  return AccessKey;
}

async function assume(builder) {
  const mine = stsOf(builder);
  const answer = await mine.assumeRole({
    RoleArn: role,
    RoleSessionName: "shift",
    Policy: allowKeys,
    Tags: [{ Key: "team", Value: "blue" }],
  });
  assert.ok(answer.PackedPolicySize > 0 && answer.PackedPolicySize <= 100);
  assert.ok(Math.abs(answer.Credentials.Expiration.getTime() - Date.now() - 3600_000) < 10_000);
  const session = answer.Credentials;
  const who = await stsOf(session).getCallerIdentity({});
  assert.equal(who.Arn, `arn:aws:sts::${account}:assumed-role/worker/shift`);
  const info = await stsOf(session).getAccessKeyInfo({ AccessKeyId: builder.AccessKeyId });
  assert.equal(info.Account, account);

  const denial = await refused("a call that it may not", "AccessDenied", () => iamOf(session).listUsers({}));
  const message = denial.$response.headers["x-stint-authorization-message"];
  const decoded = await mine.decodeAuthorizationMessage({ EncodedMessage: message });
  assert.equal(JSON.parse(decoded.DecodedMessage).context.action, "iam:ListUsers");
  await refused("a message that is none", sts.InvalidAuthorizationMessageException, () =>
    mine.decodeAuthorizationMessage({ EncodedMessage: "nothing" }),
  );
  await refused("a malformed session policy", sts.MalformedPolicyDocumentException, () =>
    mine.assumeRole({ RoleArn: role, RoleSessionName: "shift", Policy: "{" }),
  );
  await refused("a duration above the role's", "ValidationError", () =>
    mine.assumeRole({ RoleArn: role, RoleSessionName: "shift", DurationSeconds: 3601 }),
  );
}

async function codes(builder) {
  const device = (await iamOf(builder).createVirtualMFADevice({ VirtualMFADeviceName: "phone" })).VirtualMFADevice;
  const seed = Buffer.from(device.Base32StringSeed).toString();
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 3000) {
    await sleep(left);
  }
  const [first, second, later] = [-1, 0, 1].map((steps) => oneTimeCode(seed, steps));
  await iamOf(builder).enableMFADevice({
    UserName: "builder",
    SerialNumber: device.SerialNumber,
    AuthenticationCode1: first,
    AuthenticationCode2: second,
  });
  const spend = { SerialNumber: device.SerialNumber, TokenCode: later };
  const { Credentials } = await stsOf(builder).getSessionToken(spend);
  assert.equal((await iamOf(Credentials).getUser({})).User.UserName, "builder");
  await refused("a code twice", "AccessDenied", () => stsOf(builder).getSessionToken(spend));
}

async function guests(builder) {
  const answer = await stsOf(builder).getFederationToken({ Name: "guest", Policy: allowAll });
  assert.equal(answer.FederatedUser.Arn, `arn:aws:sts::${account}:federated-user/guest`);
  await refused("another call of a federated user", "AccessDenied", () =>
    stsOf(answer.Credentials).getAccessKeyInfo({ AccessKeyId: builder.AccessKeyId }),
  );
}

const who = await stsOf().getCallerIdentity({});
assert.equal(who.Arn, `arn:aws:iam::${account}:user/admin`);
const builder = await build(iamOf());
await assume(builder);
await codes(builder);
await guests(builder);
console.log("aws-sdk-js v3 on node", process.version);
