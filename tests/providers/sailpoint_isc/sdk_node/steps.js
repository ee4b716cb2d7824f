// What a program does with the vendor's own SDK for Node.js: the last line it prints is what came of it.
//
// `node steps.js SOURCE_ID`, a non-employee source; where to sign in, and as whom, the SDK reads from the environment.
import sdk from "sailpoint-api-client";

const configuration = new sdk.Configuration();
configuration.experimental = true; // what it calls so, such as governance groups, it refuses to do otherwise

function api(name) {
  return new sdk[name](configuration);
}

async function refused(call) {
  return call.then(() => 0, (error) => error.response.status);
}

function replace(path, value) {
  return [{ op: "replace", path, value }];
}

// Identities: listed, paged by the SDK's own paginator, filtered, read, deleted.
async function people() {
  const identities = api("IdentitiesV2024Api");
  const listed = await identities.listIdentities({ count: true, limit: 250, sorters: "alias" });
  const first = listed.data[0];
  const paged = await sdk.Paginator.paginate(identities, identities.listIdentities, { limit: 1000, sorters: "alias" }, 40);
  const named = await identities.listIdentities({ filters: `alias eq "${first.alias}"` });
  const read = await identities.getIdentity({ id: first.id });
  const last = listed.data.at(-1).id;
  await identities.deleteIdentity({ id: last, xSailPointExperimental: "true" });
  const [shown] = (await api("PublicIdentitiesApi").getPublicIdentities({ filters: `alias eq "${first.alias}"` })).data;
  return {
    total: listed.headers["x-total-count"],
    paged: paged.data.map((each) => each.id),
    named: named.data.map((each) => each.id),
    read: [read.data.id, read.data.alias, shown.id],
    deleted: [last, await refused(identities.getIdentity({ id: last }))],
  };
}

// Governance groups: created, listed, changed, with members, deleted.
async function groups(owner) {
  const governance = api("GovernanceGroupsV2024Api");
  const xSailPointExperimental = "true";
  const workgroupDtoV2024 = { name: "By Node", description: "x", owner: { type: "IDENTITY", id: owner } };
  const { id } = (await governance.createWorkgroup({ workgroupDtoV2024, xSailPointExperimental })).data;
  const jsonPatchOperationV2024 = replace("/description", "changed");
  const changed = await governance.patchWorkgroup({ id, jsonPatchOperationV2024, xSailPointExperimental });
  const members = { workgroupId: id, identityPreviewResponseIdentityV2024: [{ type: "IDENTITY", id: owner }] };
  const added = await governance.updateWorkgroupMembers(members);
  const held = await governance.listWorkgroupMembers({ workgroupId: id });
  const removed = await governance.deleteWorkgroupMembers(members);
  const listed = await governance.listWorkgroups({ filters: 'name eq "by node"' });
  await governance.deleteWorkgroup({ id, xSailPointExperimental });
  return {
    group: [changed.data.name, changed.data.description, changed.data.owner.id],
    added: added.data.map((each) => each.status),
    members: held.data.map((each) => each.id),
    removed: removed.data.map((each) => each.status),
    listed: listed.data.map((each) => each.id === id),
    gone: await refused(governance.getWorkgroup({ id })),
  };
}

// Non-employee records: created, listed, changed, deleted.
async function records(sourceId) {
  const lifecycle = api("NonEmployeeLifecycleManagementApi");
  const nonEmployeeRequestBody = {
    accountName: "node.one", firstName: "N", lastName: "Ode", email: "node@example.com", phone: "+1", manager: "x",
    sourceId, startDate: "2026-01-01T00:00:00Z", endDate: "2027-01-01T00:00:00Z",
  };
  const { id } = (await lifecycle.createNonEmployeeRecord({ nonEmployeeRequestBody })).data;
  const changed = await lifecycle.patchNonEmployeeRecord({ id, jsonPatchOperation: replace("/lastName", "Changed") });
  const listed = await lifecycle.listNonEmployeeRecords({ filters: `sourceId eq "${sourceId}"`, limit: 250 });
  await lifecycle.deleteNonEmployeeRecord({ id });
  return {
    record: [changed.data.accountName, changed.data.lastName],
    recordListed: listed.data.some((each) => each.id === id),
    recordGone: await refused(lifecycle.getNonEmployeeRecord({ id })),
  };
}

async function roles() {
  const listed = await api("RolesApi").listRoles({ sorters: "name" });
  const states = await api("IdentityProfilesApi").listIdentityProfiles();
  return { roles: listed.data.map((each) => each.name), profiles: states.data.map((each) => each.id) };
}

// Everybody, by the SDK's own search paginator.
async function searched() {
  const search = { indices: ["identities"], query: { query: "*" }, sort: ["id"] };
  const found = await sdk.Paginator.paginateSearchApi(api("SearchApi"), search, 40, 1000);
  return { searched: found.data.map((each) => each.id) };
}

const found = await people();
const rest = [await groups(found.read[0]), await records(process.argv[2]), await roles(), await searched()];
console.log(`\n${JSON.stringify(Object.assign(found, ...rest))}`);
