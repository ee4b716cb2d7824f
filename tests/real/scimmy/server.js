// A SCIM server as an application has it that took SCIMMY for the protocol and keeps its people in memory.
// Usage: SCIM_TOKEN=... [SCIM_ROWS=file.json] node server.js PORT
import {randomUUID} from "node:crypto";
import {readFileSync} from "node:fs";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [port] = process.argv.slice(2);
const token = process.env.SCIM_TOKEN;
if (!port || !token) throw new Error("usage: SCIM_TOKEN=... node server.js PORT");

/** One table: rows by id, with the attribute in which no two may be the same, whatever its case. */
class Table {
    rows = new Map();

    constructor(unique) {
        this.unique = unique;
    }

    /** What a request may see: the row it names, or all that its filter finds. */
    read({id, filter}) {
        if (id !== undefined) return this.get(id);
        const rows = [...this.rows.values()];
        return filter ? filter.match(rows) : rows;
    }

    /** A new row, or a row replaced whole. */
    write({id}, data) {
        const now = new Date().toISOString();
        const created = id === undefined ? now : this.get(id).meta.created;
        const values = JSON.parse(JSON.stringify(data));
        this.#check(id, values);
        const row = {...values, id: id ?? randomUUID(), meta: {created, lastModified: now}};
        this.rows.set(row.id, row);
        return row;
    }

    delete({id}) {
        this.get(id);
        this.rows.delete(id);
    }

    get(id) {
        if (!this.rows.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
        return this.rows.get(id);
    }

    #check(id, values) {
        const wanted = values[this.unique]?.toLowerCase();
        for (const row of wanted ? this.rows.values() : []) {
            if (row.id !== id && row[this.unique].toLowerCase() === wanted) {
                throw new SCIMMY.Types.Error(409, "uniqueness", `${this.unique} '${values[this.unique]}' is taken`);
            }
        }
    }
}

const declare = (resource, table) => SCIMMY.Resources.declare(resource)
    .ingress((request, data) => table.write(request, data))
    .egress((request) => table.read(request))
    .degress((request) => table.delete(request));

const users = new Table("userName"), groups = new Table("displayName");
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
declare(SCIMMY.Resources.User, users);
declare(SCIMMY.Resources.Group, groups);

// Rows to begin with, each with an id and meta: {"users": [...], "groups": [...]}.
if (process.env.SCIM_ROWS) {
    const given = JSON.parse(readFileSync(process.env.SCIM_ROWS, "utf-8"));
    for (const row of given.users) users.rows.set(row.id, row);
    for (const row of given.groups) groups.rows.set(row.id, row);
}

const app = express();
app.use("/scim", new SCIMMYRouters({
    type: "bearer",
    baseUri: (request) => `${request.protocol}://${request.get("host")}`,
    handler: (request) => {
        if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("Authorization not detected!");
        return "the-client";
    },
}));
app.listen(Number(port), "127.0.0.1");
