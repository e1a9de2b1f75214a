-- Times are milliseconds since the epoch, UTC. `seq` numbers the commits: the true order, whatever the
-- clock did. Rows are added and never changed, but for `until` and `ended` of the latest coverage, the end
-- of a record, and what is remembered of targets.

CREATE TABLE moment (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;

-- When the exporter was measuring. What a rule's state was holds inside these intervals alone. The clock
-- ran evenly within one.
CREATE TABLE coverage (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL REFERENCES moment,
    began INTEGER NOT NULL,
    until INTEGER NOT NULL,
    ended TEXT NOT NULL
) STRICT;

-- The estate is the one without a name.
CREATE TABLE service (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    environment TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    UNIQUE (name, environment)
) STRICT;

-- Who owned it, and whether it was there, from a commit on.
CREATE TABLE ownership (
    service INTEGER NOT NULL REFERENCES service,
    seq INTEGER NOT NULL REFERENCES moment,
    is_present INTEGER NOT NULL,
    team TEXT NOT NULL,
    tier TEXT NOT NULL,
    PRIMARY KEY (service, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE rule (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE reason (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Sentences: many verdicts share one.
CREATE TABLE detail (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    message TEXT NOT NULL
) STRICT;

-- What a rule's state was for a service, from a commit on. `counted` is the status that counts in the
-- score: the last measured one while it is carried over.
CREATE TABLE verdict (
    service INTEGER NOT NULL REFERENCES service,
    rule INTEGER NOT NULL REFERENCES rule,
    seq INTEGER NOT NULL REFERENCES moment,
    status INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    reason INTEGER NOT NULL REFERENCES reason,
    detail INTEGER NOT NULL REFERENCES detail,
    failing_since INTEGER,
    failing_is_exact INTEGER,
    carried_since INTEGER,
    carried_until INTEGER,
    waiver INTEGER REFERENCES record,
    PRIMARY KEY (service, rule, seq)
) STRICT, WITHOUT ROWID;

-- Waivers, attestations, objectives, initiatives, SLOs, as written: JSON.
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    digest BLOB NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, digest)
) STRICT;

-- From which commit to which they were in force.
CREATE TABLE record_seen (
    record INTEGER NOT NULL REFERENCES record,
    seq INTEGER NOT NULL REFERENCES moment,
    seq_to INTEGER REFERENCES moment,
    PRIMARY KEY (record, seq)
) STRICT, WITHOUT ROWID;

-- The rules in force from a commit on: JSON.
CREATE TABLE ruleset (
    seq INTEGER PRIMARY KEY REFERENCES moment,
    digest BLOB NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- What warm-up needs to know of a target: JSON.
CREATE TABLE target (
    url TEXT PRIMARY KEY,
    refreshed INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the query of a key result yielded first and last on a day.
CREATE TABLE key_result_sample (
    quarter TEXT NOT NULL,
    team TEXT NOT NULL,
    objective TEXT NOT NULL,
    key_result TEXT NOT NULL,
    day INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    first_value REAL NOT NULL,
    at INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (quarter, team, objective, key_result, day)
) STRICT, WITHOUT ROWID;

-- Reports that do not change any more, by their days: a quarter's name may mean others after the fiscal
-- year was configured anew.
CREATE TABLE frozen (
    name TEXT NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    zone TEXT NOT NULL,
    tzdb TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (from_at, to_at)
) STRICT, WITHOUT ROWID;
